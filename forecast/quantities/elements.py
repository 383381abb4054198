"""The elements that stations measure: unit, limits, and what quality control allows of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Element:
    """What a station measures.

    low, high: outside them a value is wrong.
    step: a larger change within an hour at a mountain station is doubtful (0: not checked).
    still: a value unchanged for more hours is doubtful (0: not checked).
    spatial: a larger difference from the estimate of its neighbours, corrected for height, is
    doubtful (0: not checked).

    Source: WMO-No. 8 (2021), vol. V, ch. 1; WMO-No. 488 (2010), app. VI.2: limits, time consistency
    and persistence; widened for summits.
    """

    name: str
    unit: str
    low: float
    high: float
    step: float = 0.0
    still: float = 0.0
    spatial: float = 0.0


# fmt: off
_ELEMENTS = (
    Element("air_temperature", "K", 193.15, 333.15, 12.0, 12.0, 10.0),
    Element("dew_point_temperature", "K", 173.15, 308.15, 15.0, 12.0, 12.0),
    Element("relative_humidity", "1", 0.0, 1.05, 0.6, 48.0),
    Element("air_pressure", "Pa", 50000.0, 108000.0, 800.0, 12.0),
    Element("air_pressure_at_mean_sea_level", "Pa", 87000.0, 108500.0, 800.0, 12.0, 800.0),
    Element("wind_speed", "m s-1", 0.0, 75.0, 25.0, 24.0),
    Element("wind_from_direction", "degree", 0.0, 360.0, 0.0, 24.0),
    Element("wind_speed_of_gust", "m s-1", 0.0, 110.0, 40.0),
    # of the hour that ends at the observation's time
    Element("precipitation_amount", "kg m-2", 0.0, 300.0),
    Element("visibility_in_air", "m", 0.0, 100000.0),
    Element("cloud_area_fraction", "1", 0.0, 1.0),
    # Nh of SYNOP: of low cloud, or of middle cloud where there is no low
    Element("low_cloud_area_fraction", "1", 0.0, 1.0),
    Element("cloud_base_height", "m", 0.0, 12000.0),  # above the station
    # N' of SYNOP section 4: cloud whose base lies below the station
    Element("cloud_below_area_fraction", "1", 0.0, 1.0),
    Element("cloud_below_top_altitude", "m", 0.0, 5000.0),  # H'H' of section 4, above sea level
    Element("snow_depth", "m", 0.0, 6.0, 0.5),
    # WMO code table 4677, from 100 on 4680 (automatic) + 100
    Element("present_weather", "1", 0.0, 199.0),
    # BUFR table 0 20 062: 0-9 without snow or ice, 10 ice, 11-19 snow
    Element("ground_state", "1", 0.0, 30.0),
    Element("rime_observed", "1", 0.0, 1.0),  # 1: rime was seen since the report before, 0: none
    Element("glaze_observed", "1", 0.0, 1.0),  # the same, of glaze
    Element("sunshine_duration", "s", 0.0, 3600.0),  # of the hour before
    Element("mass_concentration_of_pm2p5", "kg m-3", 0.0, 5e-6, 1e-6, 24.0),
    Element("negative_oxygen_ions", "m-3", 0.0, 5e11, 0.0, 12.0),  # 1 cm-3 is 1e6 m-3
    Element("zenith_sky_brightness", "mag arcsec-2", 3.0, 23.5),
)
# fmt: on

ELEMENTS: dict[str, Element] = {element.name: element for element in _ELEMENTS}
# codes, and yes or no: they have no mean; the last of an hour counts
STATES = ("ground_state", "rime_observed", "glaze_observed")
