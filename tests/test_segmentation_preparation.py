"""Preparation: scales learned once, extremes drawn in, gaps filled, bad frames refused in full."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmlab.errors import CrmlabError
from crmlab.segmentation.columns import Basis, Column
from crmlab.segmentation.preparation import Preparation

MIXED = Basis(
    "mixed",
    (
        Column("assets", "Assets", "amount"),
        Column("acts", "Acts", "count"),
        Column("mobile", "By mobile", "share"),
        Column("is_member", "Member", "flag"),
        Column("tolerance", "Tolerance", "category"),
    ),
)


def _frame(n: int = 200, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "assets": rng.lognormal(8, 1.5, n),
            "acts": rng.poisson(9, n).astype(float),
            "mobile": rng.beta(1, 2, n),
            "is_member": rng.random(n) < 0.3,
            "tolerance": pd.Series(rng.choice(["C1", "C3", "C5"], n)).where(rng.random(n) < 0.6),
        }
    )


def test_rows_are_standardised():
    rows = Preparation(MIXED).fit(_frame()).transform(_frame())
    assert rows.shape == (200, 8)  # four columns, three words and "not known"
    assert rows.mean(axis=0) == pytest.approx(np.zeros(8), abs=0.02)
    assert rows.std(axis=0) == pytest.approx(np.ones(8), abs=0.02)


def test_the_columns_of_the_rows_are_named():
    names = Preparation(MIXED).fit(_frame()).prepared_names_
    words = [f"tolerance={word}" for word in ("C1", "C3", "C5", "not known")]
    assert list(names) == ["assets", "acts", "mobile", "is_member", *words]


def test_amounts_are_logarithms_and_debts_their_mirror():
    seen = pd.DataFrame({"x": [-1e5, -1e4, -1e3, 0.0, 1e3, 1e4, 1e5] * 40})
    rows = Preparation(Basis("b", (Column("x", "X", "amount"),))).fit(seen).transform(seen)[:7, 0]
    assert rows == pytest.approx(-rows[::-1])
    steps = np.diff(rows)
    assert steps[-1] == pytest.approx(
        steps[-2], rel=0.12
    )  # ten times as much is the same step, whatever it begins from


@given(st.floats(0.01, 1e4))
def test_the_currency_does_not_matter(rate):
    basis = Basis("b", (Column("assets", "Assets", "amount"),))
    rows = Preparation(basis).fit(_frame()).transform(_frame())
    other = _frame().assign(assets=lambda f: f["assets"] * rate)
    assert Preparation(basis).fit(other).transform(other) == pytest.approx(rows, abs=1e-6)


@pytest.mark.parametrize("n", [4, 10, 199, 1000])
def test_the_largest_is_drawn_in_to_the_second_largest(n):
    basis = Basis("b", (Column("x", "X", "number"),))
    seen = pd.DataFrame({"x": np.r_[np.arange(n - 1.0), 1e12]})
    rows = Preparation(basis).fit(seen).transform(seen)[:, 0]
    assert rows[-1] == rows[-2]
    assert abs(rows).max() <= 4


def test_a_trait_of_few_does_not_outweigh_all_others():
    seen = pd.DataFrame({"is_member": [True] * 8 + [False] * 992})
    rows = Preparation(Basis("b", (Column("is_member", "Member", "flag"),))).fit(seen).transform(seen)
    assert rows.max() == 4.0  # 11 standard deviations without the limit


def test_next_month_is_measured_with_the_same_scale():
    preparation = Preparation(MIXED).fit(_frame())
    alone = preparation.transform(_frame().iloc[[17]])
    assert alone[0] == pytest.approx(preparation.transform(_frame())[17])


def test_what_was_learned_is_kept_as_json():
    preparation = Preparation(MIXED).fit(_frame())
    again = Preparation.from_dict(MIXED, json.loads(json.dumps(preparation.as_dict())))
    assert (again.transform(_frame()) == preparation.transform(_frame())).all()
    assert again.dropped_ == preparation.dropped_


def test_all_that_is_wrong_with_a_frame_is_said_at_once():
    wrong = _frame().drop(columns="mobile").assign(acts="many", assets=np.inf)
    with pytest.raises(CrmlabError) as caught:
        Preparation(MIXED).fit(wrong)
    assert str(caught.value).splitlines() == [
        "3 problems:",
        "- mixed: the frame lacks the column 'mobile'; it has assets, acts, is_member, tolerance.",
        "- mixed: assets holds infinite numbers. Leave the cell empty instead.",
        "- mixed: acts holds words. Declare it as a category, or give numbers.",
    ]


def test_a_basis_refuses_what_it_cannot_mean():
    column = Column("x", "X", "number")
    with pytest.raises(CrmlabError, match=r"Basis b: columns \['x'\] are named twice"):
        Basis("b", (column, column))
    with pytest.raises(CrmlabError, match=r"Basis b: words use unknown columns \['y'\]; it has \['x'\]"):
        Basis("b", (column,), {"Busy": {"y": 1.0}})
    with pytest.raises(CrmlabError, match="kind 'money' of 'x' is not known"):
        Column("x", "X", "money")
