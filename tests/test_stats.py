"""Statistics agree with scipy, statsmodels and arithmetic by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import proportion_confint

from sat_tasks import stats


@pytest.mark.parametrize(
    ("k", "n"), [(0, 10), (1, 10), (75, 150), (86, 150), (150, 150), (3, 4000)]
)
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_statsmodels(k: int, n: int, level: float) -> None:
    expected = proportion_confint(k, n, alpha=1 - level, method="wilson")
    assert stats.wilson(k, n, level) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_wilson_refuses_what_is_no_proportion(k: int, n: int) -> None:
    with pytest.raises(ValueError, match="no proportion"):
        stats.wilson(k, n)


def test_clustered_error_is_statsmodels() -> None:
    rng = np.random.default_rng(0)
    clusters = rng.integers(30, size=200)
    scores = (rng.random(200) + 0.3 * rng.random(30)[clusters] > 0.6).astype(float)
    fit = sm.OLS(scores, np.ones(200)).fit(
        cov_type="cluster",
        cov_kwds={"groups": clusters, "use_correction": True},
    )
    # statsmodels also multiplies by (N - 1) / (N - 1) = 1 for a model of one constant
    assert stats.clustered_se(scores, [str(c) for c in clusters]) == pytest.approx(fit.bse[0])


def test_clusters_of_one_give_the_ordinary_error() -> None:
    scores = [0.0, 1.0, 1.0, 0.0, 1.0]
    ordinary = np.std(scores, ddof=1) / math.sqrt(5)
    assert stats.clustered_se(scores, list("abcde")) == pytest.approx(ordinary)
    assert math.isnan(stats.clustered_se(scores, ["a"] * 5))
    assert math.isnan(stats.clustered_se([], []))


def test_copies_within_a_cluster_add_no_knowledge() -> None:
    scores = [0.0, 1.0, 1.0, 0.0, 1.0]
    once = stats.clustered_wilson(scores, list("abcde"))
    copied = stats.clustered_wilson(scores * 4, list("abcde") * 4)
    assert copied == pytest.approx(once)
    independent = stats.clustered_wilson(scores * 4, [str(i) for i in range(20)])
    assert independent.high - independent.low < once.high - once.low


def test_clustered_interval_of_independent_questions_is_wilson() -> None:
    scores = [1.0] * 60 + [0.0] * 40
    low, high = stats.clustered_wilson(scores, [str(i) for i in range(100)])
    assert (low, high) == pytest.approx(stats.wilson(60, 100), abs=2e-3)


def test_clustered_interval_where_all_are_right_counts_clusters() -> None:
    interval = stats.clustered_wilson([1.0] * 40, [str(i // 4) for i in range(40)])
    assert interval == pytest.approx(stats.wilson(10, 10))
    assert stats.clustered_wilson([], []) == (0.0, 1.0)


@given(st.lists(st.booleans(), min_size=2, max_size=60), st.integers(1, 5))
def test_interval_holds_the_mean(right: list[bool], per_cluster: int) -> None:
    scores = [float(r) for r in right]
    interval = stats.clustered_wilson(scores, [str(i // per_cluster) for i in range(len(right))])
    assert 0 <= interval.low <= np.mean(scores) + 1e-12
    assert np.mean(scores) - 1e-12 <= interval.high <= 1


@pytest.mark.parametrize(("a", "b"), [(0, 0), (1, 0), (5, 12), (20, 20), (3, 17), (400, 350)])
def test_mcnemar_is_statsmodels(a: int, b: int) -> None:
    expected = mcnemar([[10, a], [b, 10]], exact=True).pvalue if a + b else 1.0
    assert stats.mcnemar_exact(a, b) == pytest.approx(expected)
    if a + b:
        assert stats.mcnemar_exact(a, b) == pytest.approx(binomtest(a, a + b).pvalue)


def test_bootstrap_agrees_with_the_normal_interval() -> None:
    rng = np.random.default_rng(1)
    clusters = [str(i // 3) for i in range(600)]
    first = (rng.random(600) < 0.5).astype(float)
    second = (rng.random(600) < 0.6).astype(float)
    found = stats.paired_bootstrap(first, second, clusters, np.random.default_rng(2), draws=4000)
    error = stats.clustered_se(second - first, clusters)
    assert found.mean == pytest.approx((second - first).mean())
    assert found.low == pytest.approx(found.mean - 1.96 * error, abs=0.01)
    assert found.high == pytest.approx(found.mean + 1.96 * error, abs=0.01)


def test_bootstrap_is_the_same_for_the_same_generator() -> None:
    first, second, clusters = [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], ["a", "b", "c"]
    runs = [
        stats.paired_bootstrap(first, second, clusters, np.random.default_rng(5), draws=700)
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    with pytest.raises(ValueError, match="not the same questions: 2, 3, 3"):
        stats.paired_bootstrap(first[:2], second, clusters, np.random.default_rng(0))


def test_chance() -> None:
    assert stats.chance_level([2, 2, 4]) == pytest.approx((0.5 + 0.5 + 0.25) / 3)
    assert stats.chance_adjusted([1, 1], [2, 4]) == 1
    assert stats.chance_adjusted([0.5, 0.25], [2, 4]) == 0
    assert stats.chance_adjusted([0, 0], [2, 2]) == -1
    assert math.isnan(stats.chance_adjusted([1], [1]))


def test_detectable_difference_of_150_questions_is_16_points() -> None:
    error = math.sqrt(0.25 / 150)
    found = stats.minimum_detectable_difference(error)
    assert found == pytest.approx((norm.ppf(0.975) + norm.ppf(0.8)) * math.sqrt(2) * error)
    assert found == pytest.approx(0.162, abs=0.001)


def test_detectable_difference_is_found_with_its_power() -> None:
    rng = np.random.default_rng(3)
    n, p = 400, 0.5
    gap = stats.minimum_detectable_difference(math.sqrt(p * (1 - p) / n))
    a = rng.binomial(n, p - gap / 2, 20000) / n
    b = rng.binomial(n, p + gap / 2, 20000) / n
    z = (b - a) / np.sqrt(a * (1 - a) / n + b * (1 - b) / n)
    assert np.mean(z > norm.ppf(0.975)) == pytest.approx(0.8, abs=0.02)


@pytest.mark.slow
def test_clustered_interval_covers() -> None:
    rng = np.random.default_rng(4)
    clusters = [str(i // 5) for i in range(150)]
    covered = 0
    for _ in range(400):
        level = rng.beta(3, 2, size=30).repeat(5)
        scores = (rng.random(150) < level).astype(float)
        low, high = stats.clustered_wilson(scores, clusters)
        covered += low <= 0.6 <= high
    assert covered / 400 > 0.91
