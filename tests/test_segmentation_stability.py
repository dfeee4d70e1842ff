"""Stability of clusters: against R's fpc on iris, and on data with and without structure."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris

from crmlab.errors import CrmlabError
from crmlab.segmentation.kmeans import kmeans
from crmlab.segmentation.stability import cluster_stability, prediction_strength


@pytest.fixture(scope="module")
def iris():
    rows = load_iris().data
    return (rows - rows.mean(axis=0)) / rows.std(axis=0, ddof=1)


# R 4.2.2, fpc 2.2-10: clusterboot(scale(iris[, 1:4]), B = 200, clustermethod = kmeansCBI, runs = 20); by size
FPC = {
    2: {50: 1.0, 100: 1.0},
    3: {47: 0.9079, 50: 0.9959, 53: 0.9107},
}
FPC_OF_FOUR = {47: [0.7867], 53: [0.7309], 25: [0.6612, 0.6630]}  # two clusters of 25


@pytest.mark.parametrize("k", FPC)
def test_jaccard_agrees_with_fpc(iris, k):
    frame = cluster_stability(iris, kmeans, k, resamples=100, seed=3).frame.set_index("size_count")
    assert set(frame.index) == set(FPC[k])
    for size, value in FPC[k].items():
        assert frame.loc[size, "jaccard"] == pytest.approx(value, abs=0.03)  # standard error of a mean of 100: .007


def test_jaccard_of_four_clusters_agrees_with_fpc(iris):
    frame = cluster_stability(iris, kmeans, 4, resamples=200, seed=4).frame
    found = {size: sorted(part["jaccard"]) for size, part in frame.groupby("size_count")}
    assert set(found) == set(FPC_OF_FOUR)
    spread = (frame["jaccard_high"] - frame["jaccard_low"]).max() / 3.92
    error = spread * np.sqrt(1 / 200 + 1 / 200)  # of the difference of two means of 200 samples: .015
    for size, values in FPC_OF_FOUR.items():
        assert found[size] == pytest.approx(values, abs=3 * error)


def test_prediction_strength_agrees_with_fpc(iris):
    def one_start(rows, k, seed):  # fpc's default: a single random start
        return KMeans(k, init="random", n_init=1, random_state=seed).fit(rows).predict

    frame = prediction_strength(iris, one_start, range(1, 5), splits=50).set_index("k")
    for k, value in {1: 1.0, 2: 0.9985, 3: 0.6132, 4: 0.5503}.items():
        # both are means of 50 splits, and R's k-means ends in other local optima than scikit-learn's
        assert frame.loc[k, "strength"] == pytest.approx(value, abs=max(0.02, 4 * frame.loc[k, "strength_error"]))


def test_noise_has_no_stable_segments():
    rows = np.random.default_rng(5).normal(size=(400, 5))
    assert cluster_stability(rows, kmeans, 4, resamples=30).weakest < 0.6
    assert (prediction_strength(rows, kmeans, [2, 3, 4], splits=10)["strength"] < 0.8).all()


def test_labels_may_be_renumbered(iris):
    def turned(rows, k, seed):
        found = kmeans(rows, k, seed)
        return lambda others: (found(others) + seed) % k

    plain, other = (cluster_stability(iris, one, 3, resamples=30, seed=7).frame for one in (kmeans, turned))
    assert sorted(plain["jaccard"]) == pytest.approx(sorted(other["jaccard"]))


def test_more_clusters_than_customers_are_refused():
    with pytest.raises(CrmlabError) as refusal:
        cluster_stability(np.zeros((3, 2)), kmeans, 4)
    assert refusal.value.problems == ("k: 4 clusters are more than the 3 customers. Choose a smaller k.",)
