"""The sounding of an event: skew-T log-p and hodograph over the site, drawn by MetPy as SVG.

MetPy and matplotlib are imported at the first drawing, and one is drawn at a time: matplotlib has
one state.
"""

from __future__ import annotations

import io
import threading
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from forecast.domain import Atmosphere, Cycle, Event
from forecast.science.interpolation import Scene, as_times
from forecast.science.site_profiles import column
from forecast.science.thermodynamics import Array, dew_point
from products.wording import Words

GROUND, INK, SOFT, LINE = "#121a2e", "#eef2fb", "#b0bcd6", "#3d4b72"
WARM, MOIST, SITE = "#ff9d7a", "#7fc4ff", "#f3cd85"
SIZE = (5.0, 3.0)  # [inch]: readable in a column of the desk
LOWEST, HIGHEST = 105000.0, 20000.0  # [Pa] of the drawing
LEVELS_NEEDED = 4
_DRAWING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Profile:
    """The column over a site at one time, upwards (level): what is unknown is left out.

    pressure [Pa], height [m], temperature and dew [K], eastward and northward [m s-1] (NaN where
    the run has no wind).
    """

    pressure: Array
    height: Array
    temperature: Array
    dew: Array
    eastward: Array
    northward: Array


def profile_of(atmosphere: Atmosphere, event: Event) -> Profile | None:
    """Return the column over an event's site in its middle, of levels above the model's ground.

    None where the run does not reach, or too few levels are known.
    """
    scene = Scene(atmosphere, [event.site])
    moment = event.centre or event.window.middle
    times = as_times([moment])[:, None]
    if not scene.covers(times).all():
        return None
    rows = np.zeros(1, dtype=np.intp)
    names = ("air_temperature", "relative_humidity", "eastward_wind", "northward_wind")
    levels = scene.pressure.size
    found = {
        name: scene.between(column(scene, name)[0][..., -levels:], rows, times)[0, 0]
        for name in names
    }
    height = scene.between(scene.at_sites("geopotential_height"), rows, times)[0, 0]
    known = np.isfinite(found["air_temperature"]) & np.isfinite(height)
    known &= (scene.pressure >= HIGHEST) & (scene.pressure <= LOWEST)
    if known.sum() < LEVELS_NEEDED:
        return None
    temperature = found["air_temperature"][known]
    humidity = np.clip(found["relative_humidity"][known], 0.01, 1.0)
    return Profile(
        scene.pressure[known],
        height[known],
        temperature,
        dew_point(temperature, humidity),
        found["eastward_wind"][known],
        found["northward_wind"][known],
    )


def pressure_at(profile: Profile, height: float) -> float:
    """Return the pressure [Pa] at a height [m]: linear in its logarithm, NaN outside."""
    inside = np.interp(height, profile.height, np.log(profile.pressure), left=np.nan, right=np.nan)
    return float(np.exp(inside))


def sounding(profile: Profile, event: Event, cycle: Cycle, words: Words) -> bytes:
    """Return skew-T and hodograph as SVG, the site's own height drawn across, with the time for
    which they hold and the run of which they are.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib.figure import Figure

    style: Any = {
        "svg.fonttype": "none", "svg.hashsalt": "skyscape", "font.size": 8, "text.color": INK,
        "axes.edgecolor": LINE, "axes.labelcolor": SOFT, "xtick.color": SOFT, "ytick.color": SOFT,
        "font.family": "sans-serif", "axes.facecolor": GROUND, "figure.facecolor": GROUND,
    }  # fmt: skip
    with _DRAWING, mpl.rc_context(style), warnings.catch_warnings():
        # the reader's browser has the fonts that this machine may lack
        warnings.simplefilter("ignore")
        figure = Figure(figsize=SIZE)
        _skew_t(figure, profile, event, words)
        _hodograph(figure, profile, words)
        at = words.stamp(event.centre or event.window.middle, "time.stamp_short")
        run = words.stamp(cycle.run, "desk.run_time")
        label = words("desk.sounding.of", time=at, run=run, model=cycle.model.upper())
        figure.text(0.99, 0.98, label, ha="right", va="top", color=INK, fontsize=7.5)
        drawn = io.BytesIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return drawn.getvalue()


def _skew_t(figure: Any, profile: Profile, event: Event, words: Words) -> None:
    from metpy.plots import SkewT
    from metpy.units import units

    pressure = profile.pressure / 100 * units.hPa
    skew = SkewT(figure, rotation=40, rect=(0.11, 0.13, 0.56, 0.84))
    skew.plot(pressure, (profile.temperature - 273.15) * units.degC, WARM, linewidth=2)
    skew.plot(pressure, (profile.dew - 273.15) * units.degC, MOIST, linewidth=2)
    if np.isfinite(profile.eastward).any():
        known = np.isfinite(profile.eastward + profile.northward)
        skew.plot_barbs(
            pressure[known], profile.eastward[known] * units("m/s"),
            profile.northward[known] * units("m/s"), color=INK, length=5.5, linewidth=0.6,
        )  # fmt: skip
    skew.plot_dry_adiabats(linewidth=0.4, colors="#8a6a5c")
    skew.plot_moist_adiabats(linewidth=0.4, colors="#4f7f78")
    skew.ax.set_ylim(LOWEST / 100, HIGHEST / 100)
    middle = round(float(profile.temperature[0]) - 273.15)
    skew.ax.set_xlim(middle - 30, middle + 25)
    skew.ax.set_xlabel(words("desk.sounding.temperature"))
    skew.ax.set_ylabel(words("desk.sounding.pressure"))
    skew.ax.grid(color=LINE, linewidth=0.4)
    at_site = pressure_at(profile, event.site.elevation) / 100
    if np.isfinite(at_site):
        skew.ax.axhline(at_site, color=SITE, linewidth=1.2, linestyle="--")
        skew.ax.text(
            0.02, at_site, words("desk.sounding.site", metres=round(event.site.elevation)),
            transform=skew.ax.get_yaxis_transform(), color=SITE, va="bottom",
        )  # fmt: skip


def _hodograph(figure: Any, profile: Profile, words: Words) -> None:
    from metpy.plots import Hodograph

    known = np.isfinite(profile.eastward + profile.northward)
    if known.sum() < LEVELS_NEEDED:
        return
    axes = figure.add_axes((0.76, 0.42, 0.23, 0.44))
    east, north = profile.eastward[known], profile.northward[known]
    reach = 10.0 * np.ceil(max(np.hypot(east, north).max(), 10.0) / 10.0)
    hodograph = Hodograph(axes, component_range=float(reach))
    hodograph.add_grid(increment=10, color=LINE, linewidth=0.5, linestyle="-")
    hodograph.plot(east, north, color=MOIST, linewidth=1.5)
    for place in (0, len(east) - 1):
        label = f"{profile.pressure[known][place] / 100:.0f}"
        axes.annotate(label, (east[place], north[place]), color=INK, fontsize=7)
    axes.set_xlabel("m/s")
    axes.set_title(words("desk.sounding.hodograph"), fontsize=8, color=SOFT)
    axes.tick_params(labelsize=6.5)
