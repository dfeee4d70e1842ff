"""Factor analysis of mixed data: against component and correspondence analysis computed another way."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.metrics import adjusted_rand_score

from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.famd import FactorAnalysis, FactorMethod
from crmlab.segmentation.segments import Segments


def _basis(**kinds: str) -> Basis:
    return Basis("b", tuple(Column(name, name, kind) for name, kind in kinds.items()))


_MIXED = _basis(saves="flag", lends="flag", risk="category", age="number", logins="count")


@pytest.fixture(scope="module")
def mixed():
    rng = np.random.default_rng(1)
    truth = rng.choice(3, 900, p=[0.5, 0.3, 0.2])
    words = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
    frame = pd.DataFrame(
        {
            "saves": rng.random(900) < np.array([0.9, 0.1, 0.5])[truth],
            "lends": rng.random(900) < np.array([0.1, 0.9, 0.1])[truth],
            "risk": np.array(["a", "b", "c"])[(rng.random(900)[:, None] > words.cumsum(axis=1)[truth]).sum(axis=1)],
            "age": rng.normal(np.array([30.0, 45.0, 65.0])[truth], 8),
            "logins": rng.poisson(np.array([20.0, 8.0, 2.0])[truth]),
        }
    )
    return frame, truth


def test_numbers_alone_are_principal_components():
    frame = pd.DataFrame(load_iris().data, columns=list("abcd"))
    clipped = FactorAnalysis(_basis(a="number", b="number", c="number", d="number"), components=4).fit(frame)
    drawn_in = frame.clip(
        frame.quantile(0.005, interpolation="higher"), frame.quantile(0.995, interpolation="lower"), axis=1
    )
    expected = np.linalg.eigvalsh(np.corrcoef(drawn_in.to_numpy().T))[::-1]
    assert clipped.eigenvalues_ == pytest.approx(expected, abs=1e-6)
    places = clipped.transform(frame)
    assert np.cov(places.T, ddof=0) == pytest.approx(np.diag(expected), abs=1e-6)


def test_words_alone_are_correspondence_analysis(mixed):
    frame = mixed[0][["saves", "lends", "risk"]]
    found = FactorAnalysis(_basis(saves="flag", lends="flag", risk="category")).fit(frame)
    table = pd.get_dummies(frame.astype(str)).to_numpy(dtype=float)
    part = table / table.sum()
    rows, columns = part.sum(axis=1), part.sum(axis=0)
    residual = (part - np.outer(rows, columns)) / np.sqrt(np.outer(rows, columns))
    singular = np.linalg.svd(residual, compute_uv=False)
    assert found.eigenvalues_ == pytest.approx(3 * singular[: len(found.eigenvalues_)] ** 2)  # three columns
    assert found.eigenvalues_.sum() == pytest.approx(1 + 1 + 2)  # words less one of each column


def test_an_axis_is_what_the_columns_share(mixed):
    # Pages (2004): the variance along an axis is the sum over columns of the share of their variance it explains
    frame, _ = mixed
    found = FactorAnalysis(_MIXED).fit(frame)
    places = found.transform(frame)
    prepared = found.encoding_.transform(frame)
    for axis, value in enumerate(found.eigenvalues_[: found.components_count_]):
        place = pd.Series(places[:, axis])
        total = 0.0
        for part in found.encoding_.parts:
            if part.words:
                means = place.groupby(frame[part.column].to_numpy()).transform("mean")
                total += means.var(ddof=0) / place.var(ddof=0)
            else:
                total += np.corrcoef(prepared[:, part.start + 1], place)[0, 1] ** 2
        assert value == pytest.approx(total)


def test_groups_are_found_on_the_axes_kept(mixed):
    frame, truth = mixed
    method = FactorMethod().learn(_MIXED, frame)
    assert method.analysis.components_count_ == 2
    rows = method.rows(frame)
    assert adjusted_rand_score(truth, method.cluster(rows, 3, 1)(rows)) > 0.85


def test_a_missing_answer_moves_nobody(mixed):
    frame, truth = mixed
    holes = frame.astype(object).mask(np.random.default_rng(2).random(frame.shape) < 0.3)
    holes = holes.astype({"age": float, "logins": float})
    found = FactorAnalysis(_MIXED).fit(holes)
    nothing = pd.DataFrame([dict.fromkeys(frame.columns)], dtype=object)
    assert found.transform(nothing) == pytest.approx(0.0)
    assert found.eigenvalues_.sum() < FactorAnalysis(_MIXED).fit(frame).eigenvalues_.sum()
    method = FactorMethod().learn(_MIXED, holes)
    assert adjusted_rand_score(truth, method.cluster(method.rows(holes), 3, 1)(method.rows(holes))) > 0.55


def test_chance_keeps_no_axis_of_noise():
    rng = np.random.default_rng(4)
    kept = []
    for _ in range(20):
        noise = pd.DataFrame({name: rng.normal(size=300) for name in "abcdef"})
        found = FactorAnalysis(_basis(**dict.fromkeys("abcdef", "number"))).fit(noise)
        kept.append(found.eigenvalues_[0] > found.noise_[0])
    assert sum(kept) <= 4  # one in twenty is expected


def test_noise_makes_no_segments():
    rng = np.random.default_rng(7)
    noise = pd.DataFrame({name: rng.random(400) < 0.4 for name in "abcde"})
    segments = Segments(_basis(**dict.fromkeys("abcde", "flag")), method=FactorMethod(), most=4).fit(noise)
    assert not segments.found_


def test_a_word_of_one_customer_does_not_make_an_axis(mixed):
    frame = mixed[0].copy()
    frame.loc[0, "risk"] = "odd"
    places = FactorAnalysis(_MIXED).fit(frame).transform(frame)
    assert np.abs(places[0]).max() < 10  # 1 of 900 would be 30 deviations away


def test_it_can_be_kept_as_json_and_applied_to_the_next_month(mixed):
    frame, _ = mixed
    method = FactorMethod().learn(_MIXED, frame)
    found = method.cluster(method.rows(frame), 3, 1)
    kept = json.loads(json.dumps({"method": method.as_dict(), "found": found.as_dict()}))
    again = FactorMethod().from_dict(_MIXED, kept["method"])
    later = frame.iloc[::-1].head(100)
    assert np.array_equal(again.rows(later), method.rows(later))
    assert np.array_equal(again.assign_from(kept["found"])(again.rows(later)), found(method.rows(frame))[::-1][:100])
    assert again.analysis.inertia_share_ == pytest.approx(method.analysis.inertia_share_)


def test_order_of_customers_and_scale_of_numbers_do_not_matter(mixed):
    frame, _ = mixed
    found = FactorAnalysis(_MIXED).fit(frame)
    other = FactorAnalysis(_MIXED).fit(frame.iloc[::-1].assign(age=lambda f: 12 * f["age"]))
    assert other.transform(frame.assign(age=12 * frame["age"])) == pytest.approx(found.transform(frame))


def test_where_nothing_varies_all_are_in_one_place():
    frame = pd.DataFrame({"a": [True, True], "b": [None, None]})
    method = FactorMethod().learn(_basis(a="flag", b="category"), frame)
    rows = method.rows(frame)
    assert method.cluster(rows, 2, 1)(rows).tolist() == [0, 0]
    assert np.isnan(method.analysis.inertia_share_)


def test_a_wrong_number_of_axes_and_an_unknown_word_are_refused(mixed):
    frame, _ = mixed
    with pytest.raises(CrmlabError) as refusal:
        FactorAnalysis(_MIXED, components=-1).fit(frame)
    assert refusal.value.problems == ("components: -1 is below 0. Give 1 or more, or 0 to let chance decide.",)
    with pytest.raises(CrmlabError) as refusal:
        FactorAnalysis(_MIXED).fit(frame).transform(frame.assign(risk="z"))
    assert refusal.value.problems == ("b: risk holds ['z'], which the model has not seen. Fit it anew.",)
