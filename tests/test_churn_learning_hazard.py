"""When they leave: against the geometric law, the textbook estimators, and a simulation with two causes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

from crmlab.churn.learning.hazard import HazardModel, person_periods, survival_check
from crmlab.errors import CrmlabError


def _followed(n=3_000, seed=1):
    """Customers with known hazards of two causes, followed for 6 to 24 months."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    choice, other = 1 / (1 + np.exp(3.2 - 0.8 * x)), 0.01
    months, cause = np.full(n, 99), np.full(n, "", dtype=object)
    for t in range(1, 25):
        here, lot = months == 99, rng.random(n)
        by_choice = here & (lot < choice)
        otherwise = here & (lot >= choice) & (lot < choice + other)
        months[by_choice | otherwise] = t
        cause[by_choice], cause[otherwise] = "choice", "other"
    end = rng.integers(6, 25, n)
    cause[end < months] = ""
    return pd.DataFrame({"x": x}), np.minimum(months, end), cause, choice, other


def test_a_constant_hazard_gives_the_geometric_law():
    rng = np.random.default_rng(2)
    months = np.minimum(rng.geometric(0.1, 5_000), 12)
    cause = np.where(months < 12, "left", "")
    frame = pd.DataFrame({"nothing": rng.integers(0, 2, 5_000).astype(float)})
    model = HazardModel(horizon_months=10).fit(frame, months, cause)
    found = model.survival(pd.DataFrame({"nothing": [0.0, 1.0]}))
    for k in range(2):
        # S(t) = .9 ** t; the hazard of .1 is known to about .002, that of one month to .005
        np.testing.assert_allclose(found.iloc[k], 0.9 ** np.arange(1, 11), atol=0.025)
    # expected months of 10: the sum of .9 ** t for t = 0 to 9, (1 - .9 ** 10) / .1 = 6.513
    assert model.expected_months(pd.DataFrame({"nothing": [0.0]})).iloc[0] == pytest.approx(6.513, abs=0.15)


@pytest.mark.parametrize("learner", ["logistic", "lightgbm"])
def test_known_hazards_of_two_causes_are_recovered(learner):
    frame, months, cause, choice, other = _followed()
    learn = np.arange(len(frame)) < 2_000
    model = HazardModel(learner=learner, horizon_months=12).fit(frame[learn], months[learn], cause[learn])
    coming = frame[~learn]
    here = (1 - choice - other)[~learn, None] ** np.arange(1, 13)
    assert np.abs(model.survival(coming).to_numpy() - here).mean() < 0.045
    # by month 12 for the cause: choice / (choice + other) of all who left
    total = (choice / (choice + other))[~learn] * (1 - here[:, -1])
    said = model.cumulative_incidence(coming, "choice")[12]
    assert np.abs(said - total).mean() < 0.06
    assert said.mean() == pytest.approx(total.mean(), abs=0.03)
    assert np.corrcoef(said, total)[0, 1] > 0.9
    everything = sum(model.cumulative_incidence(coming, name) for name in model.causes_) + model.survival(coming)
    np.testing.assert_allclose(everything, 1.0)
    later = model.expected_months(coming)
    assert np.corrcoef(later, choice[~learn])[0, 1] < -0.8


def test_what_happened_agrees_with_the_textbook_estimators():
    frame, months, cause, *_ = _followed(1_200)
    model = HazardModel(horizon_months=12).fit(frame, months, cause)
    all_exits = survival_check(model, frame, months, cause).frame
    book = SurvfuncRight(months, (cause != "").astype(int))
    place = [int(np.flatnonzero(book.surv_times == t)[0]) for t in range(1, 13)]
    np.testing.assert_allclose(all_exits["happened"], 1 - book.surv_prob[place], atol=1e-12)
    here, error = book.surv_prob[place], book.surv_prob_se[place]
    reach = 1.96 * error / (here * np.abs(np.log(here)))
    np.testing.assert_allclose(all_exits["happened_low"], 1 - here ** np.exp(-reach), atol=1e-9)
    status = pd.Series(cause).map({"": 0, "choice": 1, "other": 2}).to_numpy()
    causes = CumIncidenceRight(months, status)
    for k, name in enumerate(("choice", "other")):
        found = survival_check(model, frame, months, cause, cause=name).frame
        place = [int(np.flatnonzero(causes.times == t)[0]) for t in range(1, 13)]
        np.testing.assert_allclose(found["happened"], causes.cinc[k][place], atol=1e-12)
        width = (found["happened_high"] - found["happened"]) / 1.96
        np.testing.assert_allclose(width, causes.cinc_se[k][place], atol=1e-9)


def test_what_is_said_is_calibrated_by_month_on_customers_not_learned_from():
    frame, months, cause, *_ = _followed(6_000, seed=4)
    learn = np.arange(6_000) < 4_000
    model = HazardModel(horizon_months=12).fit(frame[learn], months[learn], cause[learn])
    for name in ("", "choice", "other"):
        found = survival_check(model, frame[~learn], months[~learn], cause[~learn], cause=name).frame
        assert np.abs(found["said"] - found["happened"]).max() < 0.03


def test_one_row_is_written_for_each_month_seen():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0]}, index=["a", "b", "c"])
    table = person_periods(frame, [3, 0, 2], ["moved", "", ""], horizon_months=2)
    # a leaves in month 3, beyond the horizon: two months survived; b was never followed
    assert table[["x", "months_ahead", "exit_cause", "start_place"]].values.tolist() == [
        [1.0, 1, "", 0], [1.0, 2, "", 0], [3.0, 1, "", 2], [3.0, 2, "", 2],
    ]  # fmt: skip


def test_a_rare_cause_is_one_constant_for_all():
    frame, months, cause, *_ = _followed(800)
    rare = cause.copy()
    rare[np.flatnonzero(cause == "choice")[:3]] = "died"
    model = HazardModel(horizon_months=6).fit(frame, months, rare)
    assert model.rare_["died"] <= 3
    assert "died" not in model.causes_
    found = model.hazard(frame, "died").to_numpy()
    assert np.ptp(found) < 1e-12
    assert found[0, 0] == pytest.approx(model.rare_["died"] / model.n_)


def test_the_order_of_rows_does_not_matter():
    frame, months, cause, *_ = _followed(700)
    frame = frame.assign(customer_id=[f"C{i}" for i in range(700)])
    mixed = frame.sample(frac=1, random_state=1)
    place = mixed.index.to_numpy()
    one = HazardModel(horizon_months=6).fit(frame, months, cause).survival(frame)
    other = HazardModel(horizon_months=6).fit(mixed, months[place], cause[place]).survival(frame)
    np.testing.assert_allclose(one, other, rtol=1e-7)


@pytest.mark.parametrize(
    ("months", "cause", "said"),
    [
        ([1.5, -1, 2], ["", "", ""],
         "person_periods: months are no whole numbers from 0 in 2 rows. Count months observed."),
        ([0, 1, 2], ["left", "", ""],
         "person_periods: 1 rows left after 0 months. Count the month of leaving as one."),
        ([1, 1, 2], ["left", "", ""], "HazardModel: 1 exits in 4 months. Give at least 10 of a cause."),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused(months, cause, said):
    with pytest.raises(CrmlabError) as refusal:
        HazardModel(horizon_months=3).fit(pd.DataFrame({"x": [1.0, 2.0, 3.0]}), months, cause)
    assert str(refusal.value) == said


def test_an_unknown_learner_cause_or_column_is_refused():
    frame, months, cause, *_ = _followed(500)
    with pytest.raises(CrmlabError) as refusal:
        HazardModel(learner="lightgmb").fit(frame, months, cause)
    assert str(refusal.value) == (
        "HazardModel: learner 'lightgmb' is not known. Did you mean 'lightgbm'? Choose logistic, lightgbm."
    )
    model = HazardModel(horizon_months=6).fit(frame, months, cause)
    with pytest.raises(CrmlabError) as refusal:
        model.hazard(frame, "choise")
    assert str(refusal.value) == (
        "HazardModel: cause 'choise' was never seen. Did you mean 'choice'? Known: ['choice', 'other']."
    )
    with pytest.raises(CrmlabError) as refusal:
        model.survival(frame.rename(columns={"x": "xx"}))
    assert str(refusal.value) == "HazardModel: column 'x' is missing. Did you mean 'xx'? Give it."
