"""What the sample weather contains: scenes that a forecast must find and decoys it must not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from forecast.sample.timetable import Timetable


@dataclass(frozen=True, slots=True)
class ExpectedScene:
    """One scene of the sample weather and what a forecast should make of it.

    expected: `found` (a high probability) or `decoy` (a low one).
    """

    name: str
    phenomenon: str
    sites: tuple[str, ...]
    day: date
    expected: str
    note: str


def expected_scenes(run: datetime, hours: int = 72) -> tuple[ExpectedScene, ...]:
    """Return the scenes that a run of `hours` contains whole, in the order of time."""
    timetable = Timetable(run)
    end = timetable.start + hours
    summits, west = (
        ("lingshan", "jinding", "baihuashan"),
        ("lingshan", "zhaojiawa", "jinding", "baihuashan"),
    )
    village, hill, dark = (
        ("jiangshuihe",),
        ("zhaojiawa",),
        ("lingshan", "jiangshuihe", "baihuashan"),
    )
    rise, dusk = timetable.rise, timetable.set
    every = (  # (from hour, to hour, day, name, phenomenon, sites, expected, note)
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
        ExpectedScene(name, phenomenon, sites, timetable.day(day), expected, note)
        for begins, ends, day, name, phenomenon, sites, expected, note in every
        if timetable.start <= begins and ends <= end
    )
