"""Why a glow or the disk is likelier or less likely than usual: the stages that end the draws.

Each draw of cloud (light_chances.py) passes the stages one after the other: of a glow a canvas to
light, haze and terrain, the light path under the cloud on the horizon, the view from the site; of
the disk haze, middle and high cloud, low cloud. A stage's chance is the part of the draws that come
so far which pass it. In place of the climate's chance, stage by stage, it moves the log-odds from
those of the climate to those of the forecast: what each step moves is the stage's effect.
"""

from __future__ import annotations

import numpy as np

from forecast.science.light import Mask
from forecast.science.thermodynamics import Array

GLOW_STAGES = ("canvas_effect", "haze_effect", "light_path_effect", "view_effect")
DISK_STAGES = ("haze_effect", "upper_cloud_effect", "low_cloud_effect")
# Draws that are added to those that come, half of which pass: no chance is 0 or 1. An evenly spread
# draw says as much as two by chance (forecast/science/cloud_errors.py), of which one is added.
ADDED = 0.5
# Draws that a stage's chance is held to the climate's by: a stage that no draw comes to has no
# effect.
HELD = 2.0


def passed(quality: Array, enough: float) -> Mask:
    """Return whether each draw passes each stage (stage, event, draw).

    quality: with this and all earlier stages as drawn, the later ones out of the way (stage, event,
    draw). A draw that passes a stage has passed those before it.
    """
    reached = quality >= enough
    return np.asarray(np.logical_or.accumulate(reached[::-1], axis=0)[::-1])


def effects_of(forecast: Mask, climate: Mask) -> Array:
    """Return the effects of the stages (stage, event) [logit].

    forecast, climate: which draws pass (stage, event, draw). They add up to the difference of the
    log-odds, but for what HELD takes of it.
    """
    usual = _chances(climate, ADDED, ADDED / 2)
    own = _chances(forecast, HELD, HELD * usual)
    last, result = usual.prod(axis=0), np.empty(own.shape)
    for stage in range(len(own)):
        moved = own[: stage + 1].prod(axis=0) * usual[stage + 1 :].prod(axis=0)
        result[stage] = _log_odds(moved) - _log_odds(last)
        last = moved
    return result


def _chances(passes: Mask, cases: float, passing: Array | float) -> Array:
    """Return the part of the draws that come to a stage which pass it (stage, event) [1].

    To each stage `cases` more draws come, of which `passing` (stage, event) pass: it is never 0
    or 1.
    """
    counts = passes.sum(axis=2)
    before = np.concatenate([np.full_like(counts[:1], passes.shape[2]), counts[:-1]])
    return np.asarray((counts + passing) / (before + cases))


def _log_odds(probability: Array) -> Array:
    return np.asarray(np.log(probability / (1 - probability)))
