"""The sample weather: made-up fields over Beijing's western mountains, for demonstration and tests.

It is never used as truth. In hours of local time (UTC+8) since the midnight that begins the run's
local day, with runs at 00, 06, 12 and 18 UTC. All that matters lies between the first night and the
night after the second evening, which every run contains.

    day 0          fair; light easterly, moist below 1 km; a cloudless sunset    decoy: no canvas
    night 0 / 1    stratus forms in the easterly, under an inversion
    dawn 1         the deck fills plain and valleys up to about 1050 m at
                   Jinding; dry and clear above                                  SEA OF CLOUDS
                   Zhaojiawa (600 m) stands inside it                            decoy: no sunrise
    sunset 1       a canvas of cirrus at 8 km over the sites; the front, a wall
                   10 km high, stands 240-420 km away towards the sun            decoy: no glow
    night 1 / 2    the cold front passes: snow at 1400 m, some rain in the plain SNOW
    dawn 2         the snow ends, a deck up to 2600 m stays: every viewer is in
                   it                                                            decoy: no sea
    sunset 2       the air has cleared; the same canvas, nothing in the west
                   for 600 km                                                    GLOW
    night 2 / 3    clear, dry, cold, the wind calms; the moon is the real one    STARS
    dawn 3         no deck, no cloud                                             SUNRISE
                                                                                 decoy: no sea

The relative humidity is a dry background, moistened by four pieces (`_stratus`, `_front`,
`_deep_deck`, `_canvas`), each a product of smooth steps in height, place and time. Cloud follows
from humidity and its water from cloud. The temperature is a warm column with an inversion that
gives way to a cold one; heights follow from it by the hypsometric equation. Precipitation is known
at every moment in closed form, so that accumulations over any span agree. The temperatures are
those of late autumn, whatever the date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from forecast.geo import KILOMETRES_PER_DEGREE
from forecast.quantities import CLOSE_LEVELS
from forecast.sample.region import Region
from forecast.sample.smooth_steps import between, ramp
from forecast.sample.timetable import CENTRE, Timetable
from forecast.science.interpolation import LAYERS
from forecast.science.thermodynamics import (
    DRY_AIR_CONSTANT,
    FREEZING,
    GRAVITY,
    LAPSE_RATE,
    Array,
    cloud_from_humidity,
    maximum_random_overlap,
    specific_humidity,
)

DRY_AIR = DRY_AIR_CONSTANT / GRAVITY  # [m K-1] thickness = DRY_AIR T ln(p1 / p2)
NO_CEILING = 20000.0  # [m] what GFS writes where there is no cloud ceiling
CLEAREST = 24135.0  # [m] the highest visibility that GFS writes
NONE: Array = np.zeros(())  # the weight of a piece of moisture that is nowhere at the hour
CLOUD_BEGINS = 0.80  # [1] relative humidity at which a box of the sample begins to hold cloud
Fields = dict[str, Array]


def cold_column(z: Array, hour: Array | float) -> Array:
    """Return the temperature [K] of the air behind the front at heights `z` [m].

    It cools by 5 K on the day after.
    """
    column = 278.0 - 0.0070 * np.minimum(z, 2000) - 0.0060 * np.maximum(z - 2000, 0)
    cooled = ramp(hour, 54, 66)
    return column - 5 * cooled * np.exp(-np.maximum(z, 0) / 6000) if np.any(cooled) else column


@dataclass(frozen=True, slots=True)
class Variation:
    """How one run differs from the standard sample weather.

    stratus, front, deep_deck, canvas (of sunset 1 and 2): strength of each piece of moisture, 0-1;
    deck_top [m]; delay of the front [h]; wind: [m s-1] of the gale behind it; amount: of its
    precipitation, relative to the standard.
    """

    stratus: float = 1.0
    front: float = 1.0
    deep_deck: float = 1.0
    canvas: tuple[float, float] = (1.0, 1.0)
    deck_top: float = 1050.0
    delay: float = 0.0
    wind: float = 12.0
    amount: float = 1.0


class Weather:
    """The sample weather over a region: `fields(step)` returns the fields of one forecast hour.

    Arrays in SI are (latitude, longitude) or (level, latitude, longitude), rows from north to
    south, levels CLOSE_LEVELS.
    """

    def __init__(self, run: datetime, region: Region, variation: Variation = Variation()) -> None:
        self.timetable = Timetable(run)
        self.timetable.arrival += variation.delay
        self.variation = variation
        self.pressure: Array = np.array(CLOSE_LEVELS, dtype=float)[:, None, None]
        latitude, longitude = np.meshgrid(region.latitudes, region.longitudes, indexing="ij")
        self.north = (latitude - CENTRE[0]) * KILOMETRES_PER_DEGREE  # [km]
        self.east = (
            (longitude - CENTRE[1]) * KILOMETRES_PER_DEGREE * np.cos(np.radians(CENTRE[0]))
        )  # [km]
        self.distance = np.hypot(self.east, self.north)  # [km]
        self.latitude = latitude
        # The plain at 50 m, the mountains at 1250 m; the edge runs from south-west to north-east,
        # 15 km west of Jinding.
        edge = 115.9 + 0.6 * (latitude - 40.0)
        self.ground: Array = 50 + 1200 / (1 + np.exp((longitude - edge) / 0.15))
        # [m] flat over the plain; it leans on the slope
        self.deck_top: Array = variation.deck_top + 1.5 * np.maximum(self.ground - 800, 0)
        times, azimuth = self.timetable, np.radians(self.timetable.azimuth)
        # [km] towards the sunset of day 1
        ahead = self.east * np.sin(azimuth) + self.north * np.cos(azimuth)
        # [km h-1]: 240 km away at that sunset, here at `arrival`
        speed = 240 / (times.arrival - times.set[1])
        self.arrival: Array = times.set[1] + (240 - ahead) / speed
        self.duration: Array = 180 / speed + (times.clearing - times.arrival - 180 / speed) * ramp(
            ahead, 240.0, 0.0
        )
        self._covers: dict[float, Fields] = {}

    # -- the four pieces of moisture: weights 0-1 (level, latitude, longitude) at heights z [m]

    def _stratus(self, z: Array, hour: float) -> Array:
        """Return the easterly's stratus: from 200 m to its top, east of the high mountains.

        It lasts from the first night to the forenoon.
        """
        there = self.variation.stratus * between(
            hour, 22, 26, self.timetable.rise[1] + 3.5, self.timetable.rise[1] + 6
        )
        if there == 0:
            return NONE
        height = between(z, 50, 200, self.deck_top - 80, self.deck_top + 250)
        return height * ramp(self.east, -130.0, -70.0) * there

    def _front(self, z: Array, hour: float) -> Array:
        """Return the cold front's cloud, 10 km tall, for as long as it takes to pass."""
        leaving = self.arrival + self.duration
        there = between(hour, self.arrival - 0.5, self.arrival + 0.5, leaving - 0.5, leaving + 0.5)
        if not there.any():
            return NONE
        return self.variation.front * between(z, 200, 500, 9900, 10800) * there

    def _deep_deck(self, z: Array, hour: float) -> Array:
        """Return the deck behind the front: up to 2600 m, 400 km wide, for one morning."""
        arrival, dawn = self.timetable.arrival, self.timetable.rise[2]
        there = self.variation.deep_deck * between(
            hour, arrival - 1, arrival + 1, dawn + 3.5, dawn + 6
        )
        if there == 0:
            return NONE
        place = 1 - ramp(self.distance, 200.0, 350.0)
        return between(z, 200, 500, 2600, 2900) * place * there

    def _canvas(self, z: Array, hour: float) -> Array:
        """Return the cirrus at 8 km within 130 km of the sites.

        On day 1 from before sunset until the front, on day 2 around sunset.
        """
        first, second = self.timetable.set[1:3]
        one, two = self.variation.canvas
        before_front = between(
            hour, first - 5, first - 3, self.timetable.arrival, self.timetable.arrival + 1
        )
        behind_front = between(hour, second - 5, second - 3, second + 1.5, second + 4)
        there = one * before_front + two * behind_front
        if there == 0:
            return NONE
        place = 1 - ramp(self.distance, 130.0, 190.0)
        return between(z, 7100, 7700, 8400, 8900) * place * there

    # -- the column

    def _cold(self, hour: float) -> Array:
        """Return the share of cold air [1]: it arrives in seven hours before the front."""
        return ramp(hour, self.arrival - 7, self.arrival)

    def _temperature(self, z: Array, hour: float) -> Array:
        """Return air temperature [K] at heights above sea level [m]."""
        tall, share, daily = np.minimum(z, 11000.0), self._cold(hour), self._daily(z, hour)
        if share.min() == 1:  # cold everywhere
            return cold_column(tall, hour) + daily
        warm = 286.0 - LAPSE_RATE * tall + 7 * ramp(z, self.deck_top, self.deck_top + 350)
        if share.max() == 0:
            return warm + daily
        return (1 - share) * warm + share * cold_column(tall, hour) + daily

    def _daily(self, z: Array, hour: Array | float) -> Array:
        """Return the day's warming near the ground and the cooling to the north [K]."""
        return 2 * np.cos(2 * np.pi * (hour - 14) / 24) * np.exp(
            -np.maximum(z - self.ground, 0) / 400
        ) - 0.6 * (self.latitude - 40)

    def _humidity(self, z: Array, hour: float) -> Array:
        """Return relative humidity [1] at heights above sea level [m]."""
        humidity = 0.25 + 0.10 * np.exp(-np.maximum(z, 0) / 2000)
        warm = 1 - self._cold(hour)
        if warm.any():
            easterly = warm * (1 - ramp(z, self.deck_top - 200, self.deck_top + 400))
            humidity = humidity + 0.35 * easterly
        humidity = humidity - 0.12 * ramp(z, 9000, 13000)
        pieces = (
            (self._stratus, 1.0),
            (self._front, 1.0),
            (self._deep_deck, 1.0),
            (self._canvas, 0.975),
        )
        for piece, peak in pieces:
            weight = piece(z, hour)
            if weight is not NONE:
                humidity = humidity + (peak - humidity) * weight
        return humidity

    def _sea_level_pressure(self, hour: float) -> Array:
        since = hour - self.arrival
        return (
            102400 - 600 * np.exp(-((since / 8) ** 2)) + 800 * ramp(since, 0, 18) + 0 * self.ground
        )

    def _column(self, hour: float) -> Fields:
        """Return temperature, humidity and height on the levels.

        Temperature and humidity are functions of height, which follows from them by iteration.
        """
        base = self._sea_level_pressure(hour)
        z = 8000 * np.log(base / self.pressure)
        steps = np.log(np.concatenate([base[None], np.broadcast_to(self.pressure, z.shape)]))
        thickness = -np.diff(steps, axis=0)
        sea_level = np.zeros_like(base)[None]
        for _ in range(3):
            heights = np.concatenate([sea_level, z])
            pressure = np.exp(steps)
            temperature, humidity = self._temperature(heights, hour), self._humidity(heights, hour)
            virtual = temperature * (1 + 0.61 * specific_humidity(temperature, humidity, pressure))
            z = np.cumsum(DRY_AIR * 0.5 * (virtual[1:] + virtual[:-1]) * thickness, axis=0)
        return {
            "air_temperature": self._temperature(z, hour),
            "relative_humidity": self._humidity(z, hour),
            "geopotential_height": z,
        }

    # -- precipitation, in closed form

    @cached_property
    def _amount(self) -> Array:
        """Return the precipitation of the front [kg m-2]: 3 in the plain, 9 in the mountains."""
        strength = self.variation.front * self.variation.amount
        return strength * (3 + 6 * (self.ground - 50) / 1200)

    @cached_property
    def _snow_share(self) -> Array:
        """Return the snow fraction [1] of it at the ground, by the 2 m temperature half-way."""
        halfway = self.arrival + self.duration / 2
        temperature = cold_column(self.ground, halfway) + self._daily(self.ground, halfway)
        return 1 - ramp(temperature - FREEZING, 0.5, 2.0)

    def fallen(self, since: float, until: float) -> Array:
        """Return the precipitation [kg m-2] between two hours of the timetable."""
        share = [ramp(hour, self.arrival, self.arrival + self.duration) for hour in (since, until)]
        return self._amount * (share[1] - share[0])

    def _rate(self, hour: float) -> Array:
        return self.fallen(hour - 0.25, hour + 0.25) / 1800  # [kg m-2 s-1]

    # -- all fields

    def covers(self, hour: float) -> Fields:
        """Return low, medium, high and total cloud cover [1] at an hour of the timetable.

        Cloud under the model's ground does not count.
        """
        if hour not in self._covers:
            column = self._column(hour)
            self._keep_covers(hour, self._cloud(column), self._above(column))
        return self._covers[hour]

    def mean_covers(self, first: int, step: int) -> Fields:
        """Return mean cloud covers [1] from forecast hour `first` to `step`.

        The trapezoidal rule over spans of at most 3 h.
        """
        hours = self.timetable.start + np.linspace(first, step, -(-(step - first) // 3) + 1)
        weights = np.array([0.5, *[1.0] * (len(hours) - 2), 0.5]) / (len(hours) - 1)
        samples = [self.covers(float(hour)) for hour in hours]
        return {
            name: sum(
                weight * sample[name] for weight, sample in zip(weights, samples, strict=True)
            )
            for name in samples[0]
        }

    def fields(self, step: float) -> Fields:
        """Return every field for forecast hour `step`, by the names of quantities.FIELDS.

        A few fields that no phenomenon reads are added.
        """
        hour = self.timetable.start + step
        column = self._column(hour)
        cloud, above = self._cloud(column), self._above(column)
        covers = self._keep_covers(hour, cloud, above)
        temperature, z = column["air_temperature"], column["geopotential_height"]
        liquid = ramp(temperature, 253.15, 268.15)
        column |= {
            "cloud_area_fraction_in_atmosphere_layer": cloud,
            "cloud_liquid_water_mixing_ratio": 2.5e-4 * cloud * liquid,
            "cloud_ice_mixing_ratio": cloud * (1 - liquid) * np.where(z > 6500, 2e-5, 8e-5),
        }
        column |= self._wind(z, hour)
        column |= {f"{layer}_type_cloud_area_fraction": covers[layer] for layer in LAYERS}
        return (
            column
            | self._ground(column, hour)
            | self._sky(column, cloud, above)
            | self._extras(temperature, hour)
        )

    @staticmethod
    def _cloud(column: Fields) -> Array:
        """Return the cloud fraction [1] on levels, to the percent."""
        return np.round(cloud_from_humidity(column["relative_humidity"], CLOUD_BEGINS), 2)

    def _above(self, column: Fields) -> NDArray[np.bool_]:
        """Return where a level is above the model's ground."""
        return column["geopotential_height"] > self.ground

    def _keep_covers(self, hour: float, cloud: Array, above: NDArray[np.bool_]) -> Fields:
        """Return the covers [1] of an hour, and keep them for the means."""
        visible = np.moveaxis(np.where(above, cloud, 0.0), 0, -1)
        pressure = self.pressure[:, 0, 0]
        covers = {
            layer: np.round(
                maximum_random_overlap(visible[..., (pressure > low) & (pressure <= high)]), 2
            )
            for layer, (low, high) in LAYERS.items()
        }
        covers["total"] = np.round(maximum_random_overlap(visible), 2)
        self._covers[hour] = covers
        return covers

    def _wind(self, z: Array, hour: float) -> Fields:
        """Return the wind and the vertical motion on levels.

        An easterly of 5 m/s below 2 km; a north-westerly behind the front (12 m/s where no
        variation says otherwise) that calms to a quarter; westerlies aloft.
        """
        begins = ramp(hour, self.arrival - 1, self.arrival + 1)
        gale = self.variation.wind * begins * (1 - 0.75 * ramp(hour, 58, 68))
        aloft = 30 * ramp(z, 2000, 11000)
        front, cold = self._front(z, hour), self._cold(hour)
        lift = -0.5 * front + 0.08 * cold * (1 - front)
        easterly = 5 * (1 - cold) * np.exp(-((z / 1500) ** 2))
        return {
            "eastward_wind": aloft + 0.8 * gale - easterly,
            "northward_wind": -0.6 * gale + 0 * z,
            "lagrangian_tendency_of_air_pressure": lift * ramp(z, 0, 1500),
        }

    def _ground(self, column: Fields, hour: float) -> Fields:
        """Return the fields of the ground, of the air just above it and of precipitation."""
        ground = self.ground
        temperature, humidity = (
            self._temperature(ground[None], hour)[0],
            self._humidity(ground[None], hour)[0],
        )
        wind = {name: 0.6 * values[0] for name, values in self._wind(ground[None], hour).items()}
        base, rate = self._sea_level_pressure(hour), self._rate(hour)
        pressure = base * np.exp(
            -ground / (DRY_AIR * 0.5 * (temperature + self._temperature(0 * ground[None], hour)[0]))
        )
        snow = self._snow_share * self.fallen(self.timetable.start, hour)
        fog = ramp(humidity, 0.90, 1.0)
        falls = rate * 3600 > 0.05
        return {
            "surface_altitude": ground,
            "surface_air_pressure": pressure,
            "air_temperature_at_2m": temperature,
            "relative_humidity_at_2m": humidity,
            "eastward_wind_at_10m": wind["eastward_wind"],
            "northward_wind_at_10m": wind["northward_wind"],
            "wind_speed_of_gust": 1.6 * np.hypot(wind["eastward_wind"], wind["northward_wind"]),
            "visibility_in_air": np.exp((1 - fog) * np.log(CLEAREST) + fog * np.log(400.0))
            / (1 + 3000 * rate),
            "atmosphere_boundary_layer_thickness": 250
            + 700 * between(hour % 24, 8, 13, 15, 19)
            + 0 * ground,
            "convective_available_potential_energy": 0 * ground,
            "surface_snow_thickness": 0.011 * snow,  # eleven times its water
            "surface_snow_amount": snow,
            "categorical_snow": np.where(falls & (self._snow_share >= 0.5), 1.0, 0.0),
            "categorical_rain": np.where(falls & (self._snow_share < 0.5), 1.0, 0.0),
            "precipitation_rate": rate,
            "air_pressure_at_mean_sea_level": base,
        }

    def _sky(self, column: Fields, cloud: Array, above: NDArray[np.bool_]) -> Fields:
        """Return water vapour content, freezing level and cloud ceiling of the columns."""
        temperature, z = column["air_temperature"], column["geopotential_height"]
        vapour = np.where(
            above, specific_humidity(temperature, column["relative_humidity"], self.pressure), 0.0
        )
        water = 0.5 * (vapour[1:] + vapour[:-1]) * -np.diff(self.pressure, axis=0) / GRAVITY
        crossing = (temperature[:-1] >= FREEZING) & (temperature[1:] < FREEZING) & above[1:]
        share = (temperature[:-1] - FREEZING) / np.where(
            crossing, temperature[:-1] - temperature[1:], 1.0
        )
        freezing = np.where(crossing, z[:-1] + share * (z[1:] - z[:-1]), np.inf).min(axis=0)
        ceiling = np.where((cloud >= 0.5) & above, z, NO_CEILING).min(axis=0)
        return {
            "atmosphere_mass_content_of_water_vapor": water.sum(axis=0),
            "freezing_level_altitude": np.where(np.isfinite(freezing), freezing, self.ground),
            "cloud_ceiling_altitude": ceiling,
        }

    def _extras(self, temperature: Array, hour: float) -> Fields:
        """Return fields that GFS has and no phenomenon reads: messages must be selected."""
        spin = 2 * 7.292e-5 * np.sin(np.radians(self.latitude))
        return {
            "atmosphere_absolute_vorticity": spin
            + 2e-5 * self._front(0 * temperature + 3000.0, hour)
            + 0 * temperature,
            "ozone_mixing_ratio": 5e-8 * (20000 / self.pressure) ** 1.5 + 0 * temperature,
            "soil_temperature": 279.0 - 0.003 * self.ground,
        }
