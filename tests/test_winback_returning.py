"""Who comes back: months at risk, the rare-event regression against its closed forms, chances against the truth."""

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.winback.rare_logit import fit_rare_logit
from crmlab.winback.returning import calibrated_late, lost_months, return_curve, returns_by, uninvited_returns


class _Day:
    """As much of a bank as the months need."""

    def __init__(self, day):
        self.date = pd.Timestamp(day).date()


def _lost(**columns):
    base = {
        "left_on": pd.to_datetime(["2024-01-10", "2024-03-20", "2024-02-05"]), "way": ["by choice"] * 2 + ["has died"],
        "has_held": True, "back_on": pd.to_datetime(["2024-04-02", None, None]), "is_main_bank": [True, False, False],
        "age_years": [40.0, np.nan, 90.0], "is_back": [True, False, False], "months_since": [5, 3, 4],
    }  # fmt: skip
    return pd.DataFrame(base | columns, index=pd.Index(["a", "b", "c"], name="customer_id"))


def _contacts(*rows):
    names = ["customer_id", "is_treated", "assigned_on", "ended_on"]
    frame = pd.DataFrame(list(rows), columns=names)
    return frame.assign(assigned_on=pd.to_datetime(frame["assigned_on"]), ended_on=pd.to_datetime(frame["ended_on"]))


def test_each_month_away_is_one_row_until_the_return_or_the_day():
    months = lost_months(_Day("2024-06-30"), _lost(), _contacts())
    # a: February, March, April (back); b: April, May, June; who died cannot come back
    assert months[["customer_id", "months_since", "returned"]].to_numpy().tolist() == [
        ["a", 1, False], ["a", 2, False], ["a", 3, True], ["b", 1, False], ["b", 2, False], ["b", 3, False],
    ]  # fmt: skip
    assert months["age_decades"].iloc[0] == pytest.approx(4.0 + 1 / 120)
    assert len(lost_months(_Day("2024-06-12"), _lost(), _contacts())) == 5  # June is not whole yet


def test_months_in_which_a_contact_counts_are_not_uninvited():
    calls = _contacts(("a", True, "2024-03-05", "2024-04-30"), ("b", False, "2024-05-01", "2024-06-30"))
    months = lost_months(_Day("2024-06-30"), _lost(), calls)
    assert months["is_contacted"].tolist() == [False, True, True, False, False, False]
    found = uninvited_returns(months)
    assert (found.rate.value, found.rate.n, found.model) == (0.0, 4, None)
    assert found.chance(_lost()).tolist() == [0.0, 0.0, 0.0]


def test_nobody_away_is_no_error():
    none = lost_months(_Day("2024-06-30"), _lost().iloc[:0], _contacts())
    assert len(none) == 0
    assert np.isnan(uninvited_returns(none).rate.value)
    assert len(return_curve(none)) == 0
    assert np.isnan(calibrated_late(none).value)


@pytest.mark.parametrize(("a", "n", "b", "m"), [(2, 50, 8, 50), (0, 40, 5, 60), (1, 500, 3, 400)])
def test_firth_with_one_yes_or_no_column_adds_half_to_every_cell(a, n, b, m):
    # closed form for a saturated 2 x 2 table (Firth 1993; Heinze and Schemper 2002)
    x = [[0.0]] * n + [[1.0]] * m
    y = [1] * a + [0] * (n - a) + [1] * b + [0] * (m - b)
    fitted = fit_rare_logit(x, y)
    expected = np.log((b + 0.5) / (m - b + 0.5)) - np.log((a + 0.5) / (n - a + 0.5))
    assert fitted.coefficients[1] == pytest.approx(expected, abs=1e-6)
    assert fitted.predict(x).sum() == pytest.approx(a + b)  # the intercept is corrected


def test_firth_is_nearer_the_truth_than_maximum_likelihood_and_its_interval_holds():
    statsmodels = pytest.importorskip("statsmodels.api")
    rng, held, mine, theirs = np.random.default_rng(1), [], [], []
    for _ in range(200):
        x = rng.standard_normal((1500, 1))
        y = rng.random(1500) < 1 / (1 + np.exp(4.0 - 0.8 * x[:, 0]))
        fitted = fit_rare_logit(x, y)
        step = 1.96 * fitted.errors[1]
        held.append(abs(fitted.coefficients[1] - 0.8) <= step)
        mine.append(fitted.coefficients[1])
        theirs.append(statsmodels.Logit(y.astype(float), statsmodels.add_constant(x)).fit(disp=0).params[1])
    assert np.mean(held) >= 0.91
    assert abs(np.mean(mine) - 0.8) <= abs(np.mean(theirs) - 0.8) + 0.002


def test_what_cannot_be_fitted_is_refused_all_at_once():
    with pytest.raises(CrmlabError) as refusal:
        fit_rare_logit([[np.nan], [1.0]], [0, 0])
    assert str(refusal.value) == (
        "2 problems:\n- fit_rare_logit: columns have gaps. Fill them first, and count them."
        "\n- fit_rare_logit: there is no event. Use a rate with its interval instead."
    )


def test_few_returns_carry_few_columns():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame({
        "customer_id": [f"c{n}" for n in range(4000)], "month": 10, "months_since": rng.integers(1, 30, 4000),
        "is_main_bank": rng.random(4000) < 0.3, "age_decades": rng.uniform(2, 8, 4000), "is_contacted": False,
        "returned": False,
    })  # fmt: skip
    for events, columns in ((9, ()), (15, ("months_since",)), (25, ("months_since", "is_main_bank"))):
        some = rows.assign(returned=rows.index < events)
        found = uninvited_returns(some)
        assert found.columns == columns
        assert found.rate.value == pytest.approx(events / 4000)


def test_groups_are_compared_by_a_year():
    rows = pd.DataFrame(
        {"customer_id": ["a", "a", "b", "b"], "returned": [0, 1, 0, 0], "is_contacted": False, "months_since": 1}
    )
    found = returns_by(rows, pd.Series({"a": "moved", "b": "fees"})).set_index("group")
    assert found.loc["moved", ["returns_count", "rate"]].tolist() == [1, 6.0]
    assert found.loc["fees", "rate"] == 0


def test_chances_add_up_to_what_came_back_on_a_simulated_bank(small_bank):
    from crmlab.winback.lost import lost_customers

    with Bank.open(small_bank) as whole:
        bank = whole.as_of("")
        lost = lost_customers(bank)
        months = lost_months(bank, lost, _contacts())
    assert months["returned"].sum() == (lost["is_back"] & lost["has_held"] & (lost["way"] == "by choice")).sum()
    chance = uninvited_returns(months).chance(lost, months=12)
    assert chance.between(0, 1).all()
