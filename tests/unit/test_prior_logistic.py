"""Is the logistic regression with a prior what its formulas say?

Authorities: scikit-learn's own regression, difference quotients, an integral done by Monte Carlo,
and limits that follow by definition.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.utils.estimator_checks import parametrize_with_checks

from models.posterior import Design, Prior, curvature, evidence, loss_and_gradient, mode
from models.prior_logistic import PriorLogistic

RANDOM = np.random.default_rng(20140401)


@parametrize_with_checks([PriorLogistic(), PriorLogistic(indicators=True, moderated=True)])
def test_it_keeps_the_contract_of_scikit_learn(estimator: PriorLogistic, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def made_up(
    cases: int = 400, classes: int = 2, sites: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    x = random.normal(size=(cases, 3))
    place = random.integers(0, max(sites, 1), cases)
    own = random.normal(size=(max(sites, 1), classes)) * (sites > 0)
    sums = x @ random.normal(size=(3, classes)) + own[place]
    y = np.array([random.choice(classes, p=p) for p in softmax(sums, axis=1)])
    return x, y, place


@pytest.mark.parametrize("classes", [2, 4])
def test_with_a_prior_about_nought_it_is_the_ridge_of_scikit_learn(classes: int) -> None:
    x, y, _ = made_up(classes=classes)
    weight = np.random.default_rng(1).uniform(0.2, 2, len(y))

    ours = PriorLogistic(prior_precision=0.5, intercept_precision=0.0).fit(x, y, weight)
    theirs = LogisticRegression(C=1 / 0.5, tol=1e-10, max_iter=10_000).fit(x, y, weight)

    # the solver's tolerance
    assert ours.predict_proba(x) == pytest.approx(theirs.predict_proba(x), abs=1e-5)


@pytest.mark.parametrize("vague", [False, True])
def test_gradient_and_curvature_are_those_of_the_loss(vague: bool) -> None:
    common = np.concatenate([np.ones((60, 1)), RANDOM.normal(size=(60, 2))], axis=1)
    among = np.eye(3, dtype=bool)[RANDOM.integers(0, 3, 60)]
    if vague:
        among[::3] = [True, True, False]
    design = Design(common, None, RANDOM.uniform(0.1, 1, 60), among)
    prior = Prior(
        RANDOM.normal(size=(3, 3)),
        np.array([[1.0, 2.0, np.inf], [0.0, 1.0, 1.0], [3.0, np.inf, 1.0]]),
    )
    theta = np.where(prior.free, RANDOM.normal(size=(3, 3)), prior.mean)

    value, gradient = loss_and_gradient(theta, design, prior)
    matrix = curvature(theta, design, prior, observed=True)

    for place, (k, j) in enumerate(np.argwhere(prior.free)):
        step = np.zeros((3, 3))
        step[k, j] = 1e-5
        (up, slope_up), (down, slope_down) = (
            loss_and_gradient(theta + s * step, design, prior) for s in (1, -1)
        )
        # central difference: error of the order of 1e-10 f'''
        assert gradient[k, j] == pytest.approx((up - down) / 2e-5, abs=1e-5)
        assert matrix[place] == pytest.approx(
            ((slope_up - slope_down) / 2e-5)[prior.free], abs=1e-5
        )
    assert value > 0


@pytest.mark.parametrize("certain", [4.0, 40.0])
def test_the_evidence_is_the_integral_of_the_likelihood_over_the_prior(certain: float) -> None:
    # quadrature over intercept (flat prior, which is no factor) and slope of 500 cases
    x = RANDOM.normal(size=500)
    yes = RANDOM.uniform(size=500) < expit(0.4 + x)
    among = np.stack([~yes, yes], axis=1)
    design = Design(np.stack([np.ones(500), x], axis=1), None, np.ones(500), among)
    axes = np.linspace(-0.8, 1.6, 61), np.linspace(-0.2, 2.2, 61)
    sums = axes[0][:, None, None] + axes[1][None, :, None] * x
    logarithm = np.where(yes, -np.log1p(np.exp(-sums)), -np.log1p(np.exp(sums))).sum(axis=-1)

    ours, integral = [], []
    for precision in (0.5, certain):
        prior = Prior(np.zeros((2, 2)), np.array([[np.inf, np.inf], [0.0, precision]]))
        theta, _ = mode(design, prior, np.zeros((2, 2)), 100, 1e-9)
        ours.append(evidence(theta, design, prior))
        normal = np.sqrt(precision) * np.exp(-0.5 * precision * axes[1] ** 2)
        integral.append(np.log((np.exp(logarithm - logarithm.max()) * normal).sum()))

    # Laplace's approximation errs by the order of one over the cases
    assert ours[1] - ours[0] == pytest.approx(integral[1] - integral[0], abs=0.02)


@pytest.mark.parametrize("classes", [(0, 1), ("sea", "in_cloud", "overcast", "open")])
def test_without_labels_the_answer_is_the_prior(classes: tuple[object, ...]) -> None:
    rows = 1 if len(classes) == 2 else len(classes)
    mean, base = RANDOM.normal(size=(rows, 3)), RANDOM.normal(size=rows)
    x = RANDOM.normal(size=(50, 3))

    model = PriorLogistic(prior_mean=mean, intercept_mean=base, classes=classes).fit(
        np.empty((0, 3)), np.empty(0)
    )

    sums = x @ mean.T + base
    expected = softmax(
        np.concatenate([np.zeros((50, 1)), sums], axis=1) if rows == 1 else sums, axis=1
    )
    assert model.predict_proba(x) == pytest.approx(expected, abs=1e-12)


def test_labels_move_it_smoothly_from_the_prior_to_the_observations() -> None:
    # The prior has even odds for all x; the observations follow expit(2 x).
    random = np.random.default_rng(3)
    x = random.normal(size=(20_000, 1))
    y = (random.uniform(size=20_000) < expit(2 * x[:, 0])).astype(int)

    slopes = [
        PriorLogistic(prior_precision=25.0, classes=(0, 1)).fit(x[:n], y[:n]).coef_[0, 0]
        for n in (0, 1, 50, 200, 1000, 20_000)
    ]

    assert slopes[0] == 0
    assert slopes[1] < slopes[2] < slopes[3] < slopes[4] < slopes[5]
    # one label against a standard deviation of 0.2 moves it by less than half of that
    assert abs(slopes[1]) < 0.1
    assert slopes[-1] == pytest.approx(2.0, abs=0.1)  # standard error of 20,000 cases: .026


def test_half_a_weight_counts_half() -> None:
    x, y, _ = made_up(60)

    twice = PriorLogistic().fit(np.concatenate([x, x]), np.concatenate([y, y]), np.full(120, 0.5))
    once = PriorLogistic().fit(x, y)

    assert twice.theta_ == pytest.approx(once.theta_, abs=1e-6)


def test_without_spread_between_sites_they_are_pooled() -> None:
    x, y, place = made_up(sites=4)

    pooled = PriorLogistic(site_precision=np.inf).fit(x, y, sites=place)

    assert pooled.predict_proba(x, place) == pytest.approx(
        PriorLogistic().fit(x, y).predict_proba(x), abs=1e-6
    )


def test_without_pooling_each_site_is_fitted_separately() -> None:
    # Common coefficients pinned, own intercept and slopes free: each site's answer is that of its
    # labels alone.
    x, y, place = made_up(sites=3)

    separate = PriorLogistic(
        prior_precision=1e9, intercept_precision=1e9, site_precision=0.0, slope_precision=1e-9
    ).fit(x, y, sites=place)

    for site in range(3):
        here = place == site
        alone = PriorLogistic(prior_precision=1e-9, intercept_precision=0.0).fit(x[here], y[here])
        assert separate.predict_proba(x[here], place[here]) == pytest.approx(
            alone.predict_proba(x[here]), abs=1e-4
        )


def test_a_site_with_few_labels_stays_near_the_others_and_one_with_many_follows_its_own() -> None:
    # Site a: 3 of 4 seen; site b: 300 of 400; all others: 500 of 2,000. Hand: a's own log-odds are
    # those of b.
    sites = np.array(["a"] * 4 + ["b"] * 400 + ["c"] * 1000 + ["d"] * 1000)
    y = np.concatenate(
        [[1] * 3 + [0], [1] * 300 + [0] * 100, [1] * 250 + [0] * 750, [1] * 250 + [0] * 750]
    )
    nothing = np.zeros((len(y), 1))

    model = PriorLogistic(site_precision=2.0).fit(nothing, y, sites=sites)
    a, b, new = model.predict_proba(np.zeros((3, 1)), ["a", "b", "never seen"])[:, 1]

    assert new < a < b
    assert b == pytest.approx(0.75, abs=0.01)
    assert new == pytest.approx(model.predict_proba(np.zeros((1, 1)))[0, 1])


def test_the_spread_between_sites_is_read_from_the_labels() -> None:
    # Truth: 40 sites, own intercepts with a standard deviation of 1.5 or of none [logit]; 100
    # labels each.
    random = np.random.default_rng(5)
    sites = np.repeat(np.arange(40), 100)
    found = {}
    for spread in (0.0, 1.5):
        own = random.normal(0, spread, 40) if spread else np.zeros(40)
        y = (random.uniform(size=4000) < expit(own[sites])).astype(int)
        found[spread] = (
            PriorLogistic(site_precision="evidence")
            .fit(np.zeros((4000, 1)), y, sites=sites)
            .site_precision_
        )

    # 1/1.5^2 = 0.44; the spread of 40 values is known to 11 %
    assert found[1.5] in (0.25, 0.5, 1.0)
    assert found[0.0] >= 16


def test_a_missing_feature_has_no_effect() -> None:
    x, y, _ = made_up()
    model = PriorLogistic().fit(np.where(RANDOM.uniform(size=x.shape) < 0.2, np.nan, x), y)

    holed, filled = x.copy(), x.copy()
    holed[:, 1], filled[:, 1] = np.nan, 0.0

    assert model.predict_proba(holed) == pytest.approx(model.predict_proba(filled))


def test_an_indicator_learns_the_effect_of_a_missing_feature() -> None:
    # Seen on 9 of 10 days when the value is missing, on 1 of 10 when it is there and has no effect.
    x = np.array([[np.nan]] * 200 + [[0.0]] * 200)
    y = np.array(([1] * 9 + [0]) * 20 + ([0] * 9 + [1]) * 20)

    models = (
        PriorLogistic(indicators=given, intercept_precision=0).fit(x, y) for given in (True, False)
    )
    with_it, without = (model.predict_proba(x[[0, -1]])[:, 1] for model in models)

    # the prior of the indicator draws it in a little
    assert with_it == pytest.approx([0.9, 0.1], abs=0.03)
    assert without == pytest.approx([0.5, 0.5], abs=0.01)


def test_a_label_that_leaves_the_state_open_still_excludes_others() -> None:
    # Three states .5/.3/.2; half of the labels say only "not the first".
    random = np.random.default_rng(11)
    y = random.choice(3, 30_000, p=[0.5, 0.3, 0.2])
    among = np.eye(3, dtype=bool)[y]
    vague = (y > 0) & (random.uniform(size=len(y)) < 0.5)
    among[vague] = [False, True, True]

    model = PriorLogistic(classes=(0, 1, 2)).fit(np.zeros((len(y), 1)), y, among=among)

    # 3 standard errors
    assert model.predict_proba(np.zeros((1, 1)))[0] == pytest.approx([0.5, 0.3, 0.2], abs=0.012)


def test_intervals_contain_the_truth_at_their_level() -> None:
    # Truth drawn from the prior itself: then 90 % of the intervals hold it (Bayes). 300 draws:
    # standard error 1.7 %.
    random = np.random.default_rng(13)
    held = []
    for _ in range(300):
        truth, base = random.normal(0, 1, 2), random.normal(0, 1)
        x = random.normal(size=(40, 2))
        y = (random.uniform(size=40) < expit(x @ truth + base)).astype(int)
        model = PriorLogistic(prior_precision=1.0, intercept_precision=1.0, classes=(0, 1)).fit(
            x, y
        )
        case = random.normal(size=(1, 2))
        low, high = model.interval(case, level=0.9)[0, 1]
        held.append(low <= expit(case[0] @ truth + base) <= high)

    assert np.mean(held) == pytest.approx(0.9, abs=0.05)


def test_moderated_probabilities_are_the_mean_over_the_posterior() -> None:
    x, y, _ = made_up(12)
    model = PriorLogistic(prior_precision=0.3).fit(x, y)
    moderated = PriorLogistic(prior_precision=0.3, moderated=True).fit(x, y).predict_proba(x)[:, 1]

    plain = model.predict_proba(x)[:, 1]
    spread = np.sqrt(model.sum_covariance(x)[:, 1, 1])
    drawn = expit(logit(plain) + spread * np.random.default_rng(0).normal(size=(200_000, 1))).mean(
        axis=0
    )

    # MacKay 1992: the approximation errs by about .01
    assert moderated == pytest.approx(drawn, abs=0.015)
    assert (np.abs(moderated - 0.5) < np.abs(plain - 0.5)).all()


def test_a_new_site_is_less_certain_than_one_with_labels() -> None:
    x, y, place = made_up(sites=4)
    model = PriorLogistic(site_precision=1.0).fit(x, y, sites=place)

    low, high = model.interval(x[:5], ["elsewhere"] * 5)[:, 1].T
    near, far = model.interval(x[:5], place[:5])[:, 1].T

    assert (logit(high) - logit(low) > logit(far) - logit(near)).all()


@pytest.mark.parametrize("classes", [2, 4])
def test_a_column_multiplies_the_common_level_and_that_of_each_site(classes: int) -> None:
    """Common and local levels are dummies of the sites times the column, with the same priors."""
    x, y, place = made_up(classes=classes, sites=3)
    fade = np.random.default_rng(8).uniform(size=len(x))
    known = {"prior_precision": [2.0, 2.0, 2.0, np.inf], "intercept_precision": 3.0}
    faded = PriorLogistic(**known, site_precision=0.5, level_column=3)
    dummies = np.concatenate([fade[:, None], fade[:, None] * np.eye(3)[place]], axis=1)
    plain = PriorLogistic(
        prior_precision=[2.0, 2.0, 2.0, 3.0, 0.5, 0.5, 0.5], intercept_precision=np.inf
    )
    given = np.concatenate([x, fade[:, None]], axis=1)

    faded.fit(given, y, sites=place)
    plain.fit(np.concatenate([x, dummies], axis=1), y)

    expected = plain.predict_proba(np.concatenate([x, dummies], axis=1))
    assert faded.predict_proba(given, place) == pytest.approx(expected, abs=1e-6)
    given[:, 3] = 0.0  # where it is nought there is no level, known or unknown
    new = np.full(len(given), 9)
    assert faded.predict_proba(given, place) == pytest.approx(faded.predict_proba(given, new))
    assert faded.interval(given, place) == pytest.approx(faded.interval(given, new))


def test_what_cannot_be_fitted_is_refused_with_the_reason() -> None:
    with pytest.raises(ValueError, match="only one class"):
        PriorLogistic().fit(np.zeros((3, 1)), [1, 1, 1])
    with pytest.raises(ValueError, match="not among"):
        PriorLogistic(classes=(0, 1)).fit(np.zeros((1, 1)), [2])
    with pytest.raises(ValueError, match="precision"):
        PriorLogistic(prior_precision=-1.0).fit(np.zeros((2, 1)), [0, 1])
    with pytest.raises(ValueError, match="among"):
        PriorLogistic().fit(np.zeros((2, 1)), [0, 1], among=np.zeros((2, 2), dtype=bool))
