"""A made-up weather story over Beijing's western mountains, told as fields: for the demonstration
and the tests, never as truth.

The story, in hours of local time (UTC+8) since the midnight that opens the run's local day. Every
run hour (00, 06, 12, 18Z) holds the time from the first night to the second evening and the night
after it, so all that is essential happens there.

    day 0          fair; light easterly, moist below 1 km; a cloudless sunset
    decoy: nothing to paint
    night 0 / 1    stratus forms in the easterly, under an inversion
    dawn 1         the deck fills plain and valleys up to about 1050 m at Jinding; dry and clear
    above   a SEA OF CLOUDS
                   Zhaojiawa (600 m) stands inside it
                   decoy: no sunrise
    sunset 1       a canvas of cirrus at 8 km over the sites; the front, a wall 10 km high, stands
                   240-420 km away in the direction of the sun
                   decoy: SPOILED SUNSET
    night 1 / 2    the cold front passes: SNOW at 1400 m, a little rain in the plain
    dawn 2         the snow ends, a deck up to 2600 m stays: every viewer is in it
    decoy: WHITE WALL
    sunset 2       the air has cleared; the same canvas, nothing in the west for 600 km
    PAINTED SUNSET
    night 2 / 3    clear, dry, cold, the wind calms
    STARS, if the moon lets them
    dawn 3         no deck, no cloud                                                     CLEAR
    SUNRISE; decoy: an open valley

How it is made. The relative humidity is a dry background, moistened by four pieces (`_stratus`,
`_front`, `_deep_deck`, `_canvas`), each a product of smooth ramps in height, place and time. Cloud
follows from humidity and its water from cloud. The temperature is a warm column with an inversion
that gives way to a cold one; heights follow from it by the hypsometric equation. What falls is
known at every moment in closed form, so that accumulations over any span agree. The moon is the
real one. Sun times come from a rough formula on purpose: a wrong azimuth in
forecast/science/almanac.py cannot move the weather along with itself. The temperatures are those of
late autumn, whatever the date.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from forecast.domain import as_utc
from forecast.geo import KILOMETRES_PER_DEGREE
from forecast.quantities import CLOSE_LEVELS
from forecast.science.interpolation import LAYERS
from forecast.science.thermodynamics import Array, cloud_from_humidity, maximum_random_overlap

LOCAL = timezone(timedelta(hours=8))
CENTRE = (40.0, 115.7)  # [degree] latitude, longitude: the middle of the sites
SPACING = 0.25  # [degree]
FREEZING = 273.15  # [K]
DRY_AIR = 29.2716  # [m K-1] gas constant of dry air over gravity: thickness = DRY_AIR T ln(p1 / p2)
NO_CEILING = 20000.0  # [m] what GFS writes where there is no cloud ceiling
CLEAREST = 24135.0  # [m] the visibility at which GFS stops counting
CLOUD_BEGINS = 0.80  # relative humidity at which a box of the sample begins to hold cloud
Fields = dict[str, Array]


class Region(NamedTuple):
    """A closed region [degree] that does not cross Greenwich, widened to whole grid points;
    longitudes run 0-360.
    """

    north: float
    south: float
    west: float
    east: float

    @property
    def latitudes(self) -> Array:
        """Return the rows, from north to south."""
        first, last = np.floor(self.south / SPACING), np.ceil(self.north / SPACING)
        return np.arange(last, first - 1, -1) * SPACING

    @property
    def longitudes(self) -> Array:
        first, last = np.floor(self.west % 360 / SPACING), np.ceil(self.east % 360 / SPACING)
        return np.arange(first, last + 1) * SPACING


@dataclass(frozen=True, slots=True)
class Planted:
    """One scene that the story holds on purpose: `expected` is `found` (a forecast should say yes)
    or `decoy` (it should say no).
    """

    scene: str
    phenomenon: str
    sites: tuple[str, ...]
    day: date
    expected: str
    note: str


class Sun(NamedTuple):
    """Rough sun times of a local day: hours since its midnight, and the azimuth of sunset [degree]."""

    rise: float
    set: float
    azimuth: float


def sun_of(day: date) -> Sun:
    """Return sunrise and sunset at the sites, good to 20 minutes and 2 degrees.

    Source: declination by Cooper 1969, Solar Energy 12, 333; no equation of time.
    """
    latitude = np.radians(CENTRE[0])
    declination = np.radians(23.45 * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365))
    altitude = np.radians(-0.833)
    high = (np.sin(altitude) - np.sin(latitude) * np.sin(declination)) / (
        np.cos(latitude) * np.cos(declination)
    )
    half = float(np.degrees(np.arccos(high))) / 15
    noon = 12 + (120 - CENTRE[1]) / 15
    azimuth = 360 - float(np.degrees(np.arccos(np.sin(declination) / np.cos(latitude))))
    return Sun(noon - half, noon + half, azimuth)


class Timetable:
    """When things happen, in hours since the midnight that opens the run's local day."""

    def __init__(self, run: datetime) -> None:
        local = as_utc(run, "the run").astimezone(LOCAL)
        self.today = local.date()
        self.start = local.hour + local.minute / 60
        suns = [sun_of(self.today + timedelta(days=day)) for day in range(4)]
        self.rise = [24 * day + sun.rise for day, sun in enumerate(suns)]
        self.set = [24 * day + sun.set for day, sun in enumerate(suns)]
        self.azimuth = suns[1].azimuth
        self.arrival = 48.0  # the front reaches the sites
        self.clearing = self.rise[2] + 1.0  # its rear leaves them

    def day(self, number: int) -> date:
        return self.today + timedelta(days=number)


def planted(run: datetime, hours: int = 72) -> tuple[Planted, ...]:
    """Return the scenes and decoys that a run of `hours` holds whole, in the order in which they
    happen.
    """
    story = Timetable(run)
    end = story.start + hours
    summits, west = (
        ("lingshan", "jinding", "baihuashan"),
        ("lingshan", "zhaojiawa", "jinding", "baihuashan"),
    )
    village, hill, dark = (
        ("jiangshuihe",),
        ("zhaojiawa",),
        ("lingshan", "jiangshuihe", "baihuashan"),
    )
    rise, dusk = story.rise, story.set
    every = (  # (from hour, to hour, day, scene, phenomenon, sites, expected, note)
        (
            dusk[0] - 1,
            dusk[0] + 1,
            0,
            "cloudless_sunset",
            "sunset_glow",
            west,
            "decoy",
            "no cloud that the light could paint",
        ),
        (
            rise[1] - 1.5,
            rise[1] + 3,
            1,
            "cloud_sea",
            "sea_of_clouds",
            summits,
            "found",
            "stratus under an inversion, its top near 1050 m at Jinding; dry and clear above",
        ),
        (
            rise[1] - 1,
            rise[1] + 1,
            1,
            "sunrise_in_stratus",
            "sunrise",
            hill,
            "decoy",
            "the viewer stands inside the deck",
        ),
        (
            dusk[1] - 1,
            dusk[1] + 1,
            1,
            "walled_sunset",
            "sunset_glow",
            west,
            "decoy",
            "the same canvas, but a wall of cloud 240-420 km away in the direction of the sun",
        ),
        (
            48,
            72,
            2,
            "frontal_snow",
            "snowfall",
            village,
            "found",
            "a cold front: snow at 1400 m, rain in the plain",
        ),
        (48, 72, 2, "snow_on_the_ground", "snow_cover", village, "found", "what the front left"),
        (48, 72, 2, "cold_day", "snowmaking", village, "found", "cold, dry air behind the front"),
        (
            rise[2] - 1.5,
            rise[2] + 3,
            2,
            "white_wall",
            "sea_of_clouds",
            summits,
            "decoy",
            "the deck reaches 2600 m, above every viewer",
        ),
        (
            dusk[2] - 1,
            dusk[2] + 1,
            2,
            "painted_sunset",
            "sunset_glow",
            west,
            "found",
            "cirrus at 8 km over the sites, nothing in the west for 600 km",
        ),
        (
            dusk[2] + 4,
            74,
            2,
            "starry_night",
            "starry_sky",
            dark,
            "found",
            "clear, dry, calm; how dark it is, the real moon decides",
        ),
        (
            rise[3] - 1,
            rise[3] + 0.7,
            3,
            "clear_sunrise",
            "sunrise",
            hill,
            "found",
            "no cloud in the east",
        ),
        (
            rise[3] - 1.5,
            rise[3] + 3,
            3,
            "open_valley",
            "sea_of_clouds",
            summits,
            "decoy",
            "dry air, no deck",
        ),
    )
    return tuple(
        Planted(scene, phenomenon, sites, story.day(day), expected, note)
        for begins, ends, day, scene, phenomenon, sites, expected, note in every
        if story.start <= begins and ends <= end
    )


def ramp(x: Array | float, start: Array | float, end: Array | float) -> Array:
    """Return 0 up to `start`, 1 from `end`, and a smooth rise between (smoothstep)."""
    share = np.clip((np.asarray(x) - start) / (np.asarray(end) - start), 0.0, 1.0)
    return share * share * (3 - 2 * share)


def between(
    x: Array | float,
    first: Array | float,
    full: Array | float,
    until: Array | float,
    last: Array | float,
) -> Array:
    """Return 1 from `full` to `until`, 0 before `first` and after `last`, smooth between."""
    return ramp(x, first, full) * (1 - ramp(x, until, last))


def cold_column(z: Array, hour: Array | float) -> Array:
    """Return the temperature [K] of the air behind the front at heights [m]; it cools by 5 K on the
    day after.
    """
    cooling = 5 * ramp(hour, 54, 66) * np.exp(-np.maximum(z, 0) / 6000)
    return 278.0 - 0.0070 * np.minimum(z, 2000) - 0.0060 * np.maximum(z - 2000, 0) - cooling


@dataclass(frozen=True, slots=True)
class Variation:
    """How one telling departs from the story as planted: how much there is of each piece of
    moisture (0-1; canvas of sunset 1 and 2), the deck's top [m], and by how much the front is late
    [h].
    """

    stratus: float = 1.0
    front: float = 1.0
    deep_deck: float = 1.0
    canvas: tuple[float, float] = (1.0, 1.0)
    deck_top: float = 1050.0
    delay: float = 0.0


class Weather:
    """The story over a region: `fields(step)` gives what the model would publish for one forecast
    hour.

    Arrays are (latitude, longitude) or (level, latitude, longitude), rows north to south, levels
    CLOSE_LEVELS, SI.
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
        self.latitude = latitude
        # The plain at 50 m, the mountains at 1250 m; the edge runs from south-west to north-east,
        # 15 km west of Jinding.
        edge = 115.9 + 0.6 * (latitude - 40.0)
        self.ground: Array = 50 + 1200 / (1 + np.exp((longitude - edge) / 0.15))
        # [m] flat over the plain; it leans on the slope
        self.deck_top: Array = variation.deck_top + 1.5 * np.maximum(self.ground - 800, 0)
        story, azimuth = self.timetable, np.radians(self.timetable.azimuth)
        # [km] towards the sunset of day 1
        ahead = self.east * np.sin(azimuth) + self.north * np.cos(azimuth)
        # [km h-1]: 240 km away at that sunset, here at `arrival`
        speed = 240 / (story.arrival - story.set[1])
        self.arrival: Array = story.set[1] + (240 - ahead) / speed
        self.duration: Array = 180 / speed + (story.clearing - story.arrival - 180 / speed) * ramp(
            ahead, 240.0, 0.0
        )
        self._covers: dict[float, Fields] = {}

    # -- the four pieces of moisture: weights 0-1 (level, latitude, longitude) at heights z [m] and
    # an hour of the story

    def _stratus(self, z: Array, hour: float) -> Array:
        """The easterly's stratus: from 200 m to its top, east of the high mountains, from the first
        night to the forenoon.
        """
        height = between(z, 50, 200, self.deck_top - 80, self.deck_top + 250)
        place = ramp(self.east, -130.0, -70.0)
        there = self.variation.stratus * between(
            hour, 22, 26, self.timetable.rise[1] + 3.5, self.timetable.rise[1] + 6
        )
        return height * place * there

    def _front(self, z: Array, hour: float) -> Array:
        """The cold front's cloud, 10 km tall, for as long as it takes to pass."""
        leaving = self.arrival + self.duration
        there = between(hour, self.arrival - 0.5, self.arrival + 0.5, leaving - 0.5, leaving + 0.5)
        return self.variation.front * between(z, 200, 500, 9900, 10800) * there

    def _deep_deck(self, z: Array, hour: float) -> Array:
        """What stays behind the front for a morning: a deck up to 2600 m, 400 km wide."""
        place = 1 - ramp(np.hypot(self.east, self.north), 200.0, 350.0)
        arrival, dawn = self.timetable.arrival, self.timetable.rise[2]
        there = self.variation.deep_deck * between(
            hour, arrival - 1, arrival + 1, dawn + 3.5, dawn + 6
        )
        return between(z, 200, 500, 2600, 2900) * place * there

    def _canvas(self, z: Array, hour: float) -> Array:
        """Cirrus at 8 km within 130 km of the sites: from before sunset until the front on day 1,
        around sunset on day 2.
        """
        place = 1 - ramp(np.hypot(self.east, self.north), 130.0, 190.0)
        first, second = self.timetable.set[1:3]
        one, two = self.variation.canvas
        before_front = between(
            hour, first - 5, first - 3, self.timetable.arrival, self.timetable.arrival + 1
        )
        behind_front = between(hour, second - 5, second - 3, second + 1.5, second + 4)
        return (
            between(z, 7100, 7700, 8400, 8900) * place * (one * before_front + two * behind_front)
        )

    # -- the column

    def _cold(self, hour: float) -> Array:
        """The share of cold air: it comes in the seven hours before the front's cloud."""
        return ramp(hour, self.arrival - 7, self.arrival)

    def _temperature(self, z: Array, hour: float) -> Array:
        """Return air temperature [K] at heights above sea level [m]."""
        tall = np.minimum(z, 11000.0)
        warm = 286.0 - 0.0065 * tall + 7 * ramp(z, self.deck_top, self.deck_top + 350)
        share = self._cold(hour)
        return (1 - share) * warm + share * cold_column(tall, hour) + self._daily(z, hour)

    def _daily(self, z: Array, hour: Array | float) -> Array:
        """The day's warming near the ground, and the cold of the north [K]."""
        return 2 * np.cos(2 * np.pi * (hour - 14) / 24) * np.exp(
            -np.maximum(z - self.ground, 0) / 400
        ) - 0.6 * (self.latitude - 40)

    def _humidity(self, z: Array, hour: float) -> Array:
        """Return relative humidity [1] at heights above sea level [m]."""
        easterly = (1 - self._cold(hour)) * (1 - ramp(z, self.deck_top - 200, self.deck_top + 400))
        humidity = (
            0.25
            + 0.10 * np.exp(-np.maximum(z, 0) / 2000)
            + 0.35 * easterly
            - 0.12 * ramp(z, 9000, 13000)
        )
        pieces = (
            (self._stratus, 1.0),
            (self._front, 1.0),
            (self._deep_deck, 1.0),
            (self._canvas, 0.975),
        )
        for piece, peak in pieces:
            humidity = humidity + (peak - humidity) * piece(z, hour)
        return humidity

    def _sea_level_pressure(self, hour: float) -> Array:
        since = hour - self.arrival
        return (
            102400 - 600 * np.exp(-((since / 8) ** 2)) + 800 * ramp(since, 0, 18) + 0 * self.ground
        )

    def _column(self, hour: float) -> Fields:
        """Return temperature, humidity and height on the levels: T and RH are functions of height,
        height follows from T and RH.
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

    # -- what falls: in closed form

    @cached_property
    def _amount(self) -> Array:
        """All that the front leaves [kg m-2]: 3 in the plain, 9 in the mountains."""
        return self.variation.front * (3 + 6 * (self.ground - 50) / 1200)

    @cached_property
    def _snow_share(self) -> Array:
        """The part of it that is snow on the model's ground, from the 2 m temperature half-way
        through.
        """
        halfway = self.arrival + self.duration / 2
        temperature = cold_column(self.ground, halfway) + self._daily(self.ground, halfway)
        return 1 - ramp(temperature - FREEZING, 0.5, 2.0)

    def fallen(self, since: float, until: float) -> Array:
        """Return precipitation [kg m-2] between two hours of the story."""
        share = [ramp(hour, self.arrival, self.arrival + self.duration) for hour in (since, until)]
        return self._amount * (share[1] - share[0])

    def _rate(self, hour: float) -> Array:
        return self.fallen(hour - 0.25, hour + 0.25) / 1800  # [kg m-2 s-1]

    # -- all together

    def covers(self, hour: float) -> Fields:
        """Return low, medium, high and total cloud cover [1] at an hour of the story; cloud under
        the model's ground counts for nothing.
        """
        if hour not in self._covers:
            self.fields(hour - self.timetable.start)
        return self._covers[hour]

    def mean_covers(self, first: int, step: int) -> Fields:
        """Return the same as means from forecast hour `first` to `step`, by the trapezoidal rule
        over spans of at most 3 h.
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
        """Return every field for forecast hour `step`, by the names of quantities.FIELDS (and a few
        that nobody needs).
        """
        hour = self.timetable.start + step
        column = self._column(hour)
        cloud = np.round(cloud_from_humidity(column["relative_humidity"], CLOUD_BEGINS), 2)
        temperature, z = column["air_temperature"], column["geopotential_height"]
        liquid = ramp(temperature, 253.15, 268.15)
        column |= {
            "cloud_area_fraction_in_atmosphere_layer": cloud,
            "cloud_liquid_water_mixing_ratio": 2.5e-4 * cloud * liquid,
            "cloud_ice_mixing_ratio": cloud * (1 - liquid) * np.where(z > 6500, 2e-5, 8e-5),
        }
        column |= self._wind(z, hour)
        above = z > self.ground
        seen = np.moveaxis(np.where(above, cloud, 0.0), 0, -1)
        of_layer = {
            layer: (self.pressure[:, 0, 0] > low) & (self.pressure[:, 0, 0] <= high)
            for layer, (low, high) in LAYERS.items()
        }
        covers = {
            layer: np.round(maximum_random_overlap(seen[..., levels]), 2)
            for layer, levels in of_layer.items()
        }
        self._covers[hour] = covers | {"total": np.round(maximum_random_overlap(seen), 2)}
        column |= {f"{layer}_type_cloud_area_fraction": cover for layer, cover in covers.items()}
        return (
            column
            | self._ground(column, hour)
            | self._sky(column, cloud, above)
            | self._extras(temperature, hour)
        )

    def _wind(self, z: Array, hour: float) -> Fields:
        """An easterly of 5 m/s below 2 km; a north-westerly of 12 m/s behind the front that calms
        to 3; westerlies aloft.
        """
        gale = 12 * ramp(hour, self.arrival - 1, self.arrival + 1) * (1 - 0.75 * ramp(hour, 58, 68))
        easterly = 5 * (1 - self._cold(hour)) * np.exp(-((z / 1500) ** 2))
        aloft = 30 * ramp(z, 2000, 11000)
        lift = -0.5 * self._front(z, hour) + 0.08 * self._cold(hour) * (1 - self._front(z, hour))
        return {
            "eastward_wind": aloft + 0.8 * gale - easterly,
            "northward_wind": -0.6 * gale + 0 * z,
            "lagrangian_tendency_of_air_pressure": lift * ramp(z, 0, 1500),
        }

    def _ground(self, column: Fields, hour: float) -> Fields:
        """The ground, the air just above it and what falls on it."""
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
        """The column read as a whole: its water, where it freezes, where its cloud begins."""
        temperature, z = column["air_temperature"], column["geopotential_height"]
        vapour = np.where(
            above, specific_humidity(temperature, column["relative_humidity"], self.pressure), 0.0
        )
        water = 0.5 * (vapour[1:] + vapour[:-1]) * -np.diff(self.pressure, axis=0) / 9.80665
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
        """What GFS holds and nobody here needs: so that choosing messages is a choice."""
        spin = 2 * 7.292e-5 * np.sin(np.radians(self.latitude))
        return {
            "atmosphere_absolute_vorticity": spin
            + 2e-5 * self._front(0 * temperature + 3000.0, hour),
            "ozone_mixing_ratio": 5e-8 * (20000 / self.pressure) ** 1.5 + 0 * temperature,
            "soil_temperature": 279.0 - 0.003 * self.ground,
        }


def specific_humidity(temperature: Array, humidity: Array, pressure: Array) -> Array:
    """Return specific humidity [1] over water. Source: Bolton 1980, MWR 108, 1046, eq. 10."""
    celsius = temperature - FREEZING
    vapour = humidity * 611.2 * np.exp(17.67 * celsius / (celsius + 243.5))
    return 0.622 * vapour / (pressure - 0.378 * vapour)
