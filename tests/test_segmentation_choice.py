"""How many segments: one crowd, usefulness and the rule that chooses."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from crmlab.segmentation.choice import choose, floor_share, trial, usefulness
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.crowd import Crowd
from crmlab.segmentation.kmeans import Centres, kmeans
from crmlab.segmentation.methods import KMeansMethod

BASIS = Basis(
    "b",
    (Column("a", "A", "number"), Column("b", "B", "amount"), Column("c", "C", "category"), Column("d", "D", "flag")),
)


def _mixed(n: int = 2000) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    root = np.linalg.cholesky([[1, 0.6, -0.5, 0.3], [0.6, 1, 0, 0.4], [-0.5, 0, 1, 0], [0.3, 0.4, 0, 1]])
    z = rng.normal(size=(n, 4)) @ root.T
    words = np.array(["C1", "C2", "C3", "C4"])[np.digitize(z[:, 2], [-1, 0, 1])]
    return pd.DataFrame(
        {"a": z[:, 0], "b": np.exp(2 * z[:, 1]), "c": pd.Series(words).where(rng.random(n) < 0.5), "d": z[:, 3] > 1}
    )


def _ranks(frame: pd.DataFrame) -> np.ndarray:
    codes = frame["c"].map({"C1": 1, "C2": 2, "C3": 3, "C4": 4})
    return frame.assign(c=codes, d=frame["d"].astype(float)).corr("spearman").to_numpy()[np.triu_indices(4, 1)]


def test_a_crowd_has_the_columns_and_correlations_of_the_customers():
    seen = _mixed()
    crowd = Crowd(seen, BASIS, seed=1)
    drawn = [crowd.draw() for _ in range(10)]
    for name in seen:
        assert sorted(drawn[0][name].dropna()) == sorted(seen[name].dropna())
        assert drawn[0][name].dtype == seen[name].dtype
    # standard error of a correlation at n = 2,000 about .02 (.03 where half is missing), of the mean of ten a third
    assert np.mean([_ranks(one) for one in drawn], axis=0) == pytest.approx(_ranks(seen), abs=0.03)


def test_two_draws_differ_and_a_seed_repeats_them():
    one, other = Crowd(_mixed(), BASIS, seed=1), Crowd(_mixed(), BASIS, seed=1)
    first = one.draw()
    assert first.equals(other.draw())
    assert not first.equals(one.draw())


def test_a_crowd_breaks_what_is_beyond_pairs():
    # two moons: the same columns and correlations as a cloud, but a gap between them
    rng = np.random.default_rng(1)
    t = rng.uniform(0, np.pi, 1000)
    upper = rng.random(1000) < 0.5
    x = np.where(upper, np.cos(t), 1 - np.cos(t)) + rng.normal(0, 0.05, 1000)
    y = np.where(upper, np.sin(t), 0.5 - np.sin(t)) + rng.normal(0, 0.05, 1000)
    basis = Basis("moons", (Column("x", "X", "number"), Column("y", "Y", "number")))
    seen = pd.DataFrame({"x": x, "y": y})
    table = trial(seen, basis, KMeansMethod().learn(basis, seen), ks=[2, 3, 4, 8])
    assert (table["gap"] > table["gap_limit"]).any()


def test_usefulness_is_the_variance_told_on_other_customers():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 5000)
    margin = labels + rng.normal(0, 1, 5000)
    # ranks are uniform; two normals one apart: the share told is that of the rank means, by simulation
    known = np.random.default_rng(2)
    group = known.integers(0, 2, 400_000)
    ranks = pd.Series(group + known.normal(0, 1, 400_000)).rank(pct=True)
    expected = ranks.groupby(group).mean().var(ddof=0) / ranks.var(ddof=0)
    value, error = usefulness(labels, pd.DataFrame({"margin": margin}))
    assert value == pytest.approx(expected, abs=3 * error)
    assert 0 < error < 0.02


def test_useless_segments_tell_nothing():
    rng = np.random.default_rng(1)
    value, error = usefulness(rng.integers(0, 5, 2000), pd.DataFrame({"margin": rng.lognormal(size=2000)}))
    assert value < 2 * error
    assert np.isnan(usefulness(np.zeros(100, dtype=int), None)[0])
    assert np.isnan(usefulness(np.zeros(100, dtype=int), pd.DataFrame({"same": np.ones(100)}))[0])


def test_usefulness_decides_only_where_it_can_tell():
    tried = pd.DataFrame(
        {
            "k": [2, 3, 4],
            "is_admissible": True,
            "usefulness": [0.20, 0.19, 0.10],
            "usefulness_error": 0.02,
            "usefulness_behind_error": [0.0, 0.01, 0.01],
        }
    )
    assert choose(tried) == 3  # 4 is less useful by ten standard errors of the difference, 3 by one
    assert choose(tried.assign(usefulness=np.nan)) == 4
    # 0.001 of the variance is nothing: what is lost by one more segment is the price of estimating it
    assert choose(tried.assign(usefulness=[0.001, -0.001, -0.003], usefulness_behind_error=[0.0, 0.0005, 0.001])) == 4
    assert choose(tried.assign(is_admissible=[True, False, False])) == 2


def test_the_floor():
    assert (floor_share(100), floor_share(1_000), floor_share(100_000)) == (0.3, 0.03, 0.02)


@pytest.mark.parametrize("k", [2, 4, 7])
def test_k_means_is_as_good_as_scikit_learns(k):
    rng = np.random.default_rng(k)
    rows = np.concatenate([rng.normal(centre, 1, (120, 5)) for centre in rng.normal(0, 3, (k, 5))])
    ours = kmeans(rows, k, 1)
    theirs = KMeans(k, n_init=20, random_state=1).fit(rows)
    assert np.exp(ours.misfit(rows)) * len(rows) == pytest.approx(theirs.inertia_, rel=2e-3)


def test_k_means_has_nothing_to_hide():
    rows = np.random.default_rng(1).normal(size=(500, 4))
    ours = kmeans(rows, 3, 7)
    assert (kmeans(rows, 3, 7).centres == ours.centres).all()
    labels = ours(rows)
    means = np.array([rows[labels == code].mean(axis=0) for code in range(3)])
    assert means == pytest.approx(ours.centres, abs=0.05)  # the centres are the means of their own rows
    assert (Centres.from_dict(ours.as_dict())(rows) == labels).all()


def test_k_means_of_fewer_different_rows_than_k_still_assigns():
    rows = np.repeat([[0.0, 0.0], [1.0, 1.0]], 10, axis=0)
    assert len(set(kmeans(rows, 3, 1)(rows))) == 2


def test_k_means_of_many_rows_is_polished_on_all():
    rng = np.random.default_rng(1)
    rows = np.concatenate([rng.normal(centre, 1, (8_000, 3)) for centre in (0, 4, 8)])
    found = kmeans(rows, 3, 1)
    assert np.sort(found.centres[:, 0]) == pytest.approx([0, 4, 8], abs=0.1)
