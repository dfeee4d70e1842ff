"""Improvement: the register, verdicts that chosen places do not fool, contacts, branches, and what the page says."""

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from crmlab.bank import Bank
from crmlab.errors import CrmlabError
from crmlab.satisfaction.change import branch_changes
from crmlab.satisfaction.change.contact_surges import contact_surges, surges_on
from crmlab.satisfaction.change.measure_register import measure_register, places_of_customers, rivals_of, was_reached
from crmlab.satisfaction.change.measure_verdicts import VERDICTS, judge_measures
from crmlab.satisfaction.pages import contact_chart, measure_evidence, tracking_answer, wave_evidence
from crmlab.satisfaction.pages.tracking import Tracking, tracking_on
from crmlab.simulation import simulate

DAYS = {"2023": dt.date(2023, 3, 1), "2024": dt.date(2024, 3, 1), "2025": dt.date(2025, 3, 1)}
START = pd.Timestamp("2024-08-01")
BRANCHES = [f"b{number:02d}" for number in range(12)]
TITLES = {"value": "Perceived value", "csat": "Satisfaction after contacts"}


def _register(**changed):
    row = {
        "measure_id": "M1", "measure": "Call back", "owner": "head of service", "indicator": "value",
        "started_on": START, "ended_on": pd.NaT, "scope": "branch", "places": tuple(BRANCHES[:6]),
        "is_drawn_by_lot": False, "cost_amount": 100.0,
    }  # fmt: skip
    return pd.DataFrame([row | changed])


def _scores(shifts, *, n=40, seed=1, spread=3.0):
    """Answers of three waves; `shifts` are what the first six branches lie above 70 in each wave."""
    generator = np.random.default_rng(seed)
    rows = [
        pd.DataFrame({"value": 70 + generator.normal(0, spread, n) + shift * (branch in BRANCHES[:6]),
                      "wave": wave, "branch": branch})
        for wave, shift in zip(DAYS, shifts, strict=True) for branch in BRANCHES
    ]  # fmt: skip
    scores = pd.concat(rows, ignore_index=True)
    return scores.assign(customer_id=[f"C{number}" for number in range(len(scores))], weight=1.0)


def _judged(shifts=(0, 0, 5), scores=None, days=DAYS, **changed):
    return judge_measures(_scores(shifts) if scores is None else scores, _register(**changed), days).iloc[0]


# --- the register ---


def _bank_with(rows):
    return SimpleNamespace(has=lambda name: True, frame=lambda name: pd.DataFrame(rows))


def test_a_measure_in_several_places_is_one_row():
    days = pd.to_datetime(["2024-09-01", "2024-08-01", "2024-07-01"])
    table = measure_register(_bank_with({
        "measure_id": ["M2", "M2", "M1"], "measure_name": [None, "Call back", None], "owner": ["A", "A", None],
        "indicator": ["value", "value", None], "started_on": days,
        "ended_on": pd.to_datetime(["2025-01-01", None, None]),
        "scope": ["branch", "branch", "all"], "scope_value": ["South", "North", "all"],
        "is_drawn_by_lot": [True, None, False], "cost_amount": [1.5, 2.5, None],
    }))  # fmt: skip
    assert table["measure_id"].tolist() == ["M1", "M2"]  # by start
    two = table.loc[1]
    assert (two["measure"], two["places"], two["started_on"]) == ("Call back", ("North", "South"), days[1])
    assert pd.isna(two["ended_on"])  # one place has no end
    assert not two["is_drawn_by_lot"]  # of one place it is not said
    assert two["cost_amount"] == 4.0
    one = table.loc[0]
    assert (one["measure"], one["owner"], one["indicator"], one["places"]) == ("M1", "not said", "not said", ())
    assert np.isnan(one["cost_amount"])


def test_places_of_two_kinds_are_no_scope():
    table = measure_register(_bank_with({
        "measure_id": ["M1", "M1"], "started_on": [START, START], "scope": ["branch", "region"],
        "scope_value": ["North", "West"],
    }))  # fmt: skip
    assert table.loc[0, "scope"] == "other"


def test_a_bank_without_the_table_has_an_empty_register():
    assert measure_register(SimpleNamespace(has=lambda name: False)).empty


def test_who_was_reached():
    frame = pd.DataFrame({"branch": ["North", None, "South"]})
    assert was_reached(frame, "all", ()).tolist() == [True] * 3
    assert was_reached(frame, "branch", ("South",)).tolist() == [False, False, True]
    with pytest.raises(CrmlabError) as refusal:
        was_reached(frame, "brnch", ("South",))
    assert refusal.value.problems == (
        "was_reached: scope 'brnch' is not a column of places. Did you mean 'branch'? The frame has ['branch'].",
    )


def test_rivals_run_elsewhere_on_the_same_indicator():
    register = pd.concat([
        _register(), _register(measure_id="M2", places=("b05", "b06")),
        _register(measure_id="M3", places=("b07",), indicator="image"),
    ], ignore_index=True)  # fmt: skip
    assert rivals_of(register, "M1") == ("b06",)
    assert rivals_of(register, "M3") == ()


# --- verdicts ---


def test_the_effect_of_places_not_drawn_is_counted_from_the_wave_before_the_last():
    scores = _scores((0, 0, 5))
    found = judge_measures(scores, _register(), DAYS).iloc[0]
    sums = scores.assign(treated=scores["branch"].isin(BRANCHES[:6])).groupby(["treated", "wave"])["value"].mean()
    fair = sums[True, "2025"] - sums[True, "2023"] - (sums[False, "2025"] - sums[False, "2023"])
    plain = sums[True, "2025"] - sums[True, "2024"] - (sums[False, "2025"] - sums[False, "2024"])
    assert found["effect"] == pytest.approx(fair)
    assert found["plain_effect"] == pytest.approx(plain)
    assert found["change"] == pytest.approx(sums[True, "2025"] - sums[True, "2024"])
    assert (found["compared_with"], found["wave_before"], found["wave_after"]) == ("2023", "2024", "2025")
    assert (found["verdict"], found["design"]) == ("worked", "compared")
    assert found["reached_n"] == 2 * 6 * 40
    assert found["n"] == 2 * 12 * 40
    assert (found["treated_clusters_count"], found["control_clusters_count"]) == (6, 6)


def test_a_bad_year_that_passes_is_no_effect():
    found = _judged((0, -4, 0))
    assert found["plain_effect_low"] > 0  # what the plain difference of changes would call a success
    assert found["effect_low"] < 0 < found["effect_high"]
    assert found["verdict"] == "only looked so"
    assert found["why"] == "its places had just had a bad year, and came back to where they were before"


def test_a_bad_year_two_waves_ago_is_no_effect_either():
    found = _judged((-4, 0, 0))
    assert found["effect_low"] > 0
    assert found["verdict"] == "not proven"
    assert found["why"] == "the gain is clear from 2023 only, not from 2024"


def test_what_the_others_gained_too_only_looks_like_an_effect():
    scores = _scores((0, 0, 0))
    scores["value"] += 4.0 * (scores["wave"] == "2025")
    found = _judged(scores=scores)
    assert found["change_low"] > 0
    assert (found["verdict"], found["why"]) == ("only looked so", "the others gained as well")


def test_a_lot_needs_no_wave_before():
    scores = _scores((0, 0, 5))
    found = _judged(scores=scores[scores["wave"] == "2025"], days={"2025": DAYS["2025"]}, is_drawn_by_lot=True)
    assert (found["design"], found["verdict"], found["n"]) == ("by lot", "worked", 12 * 40)
    assert np.isnan(found["before"])


@pytest.mark.parametrize(
    ("shifts", "changed", "verdict"),
    [
        ((0, 0, 0), {}, "no clear effect"),
        ((0, 0, -5), {}, "made it worse"),
        ((0, 0, 5), {"is_drawn_by_lot": True}, "worked"),
        ((0, 0, 0), {"is_drawn_by_lot": True}, "no clear effect"),
        ((0, 0, 5), {"scope": "all", "places": ()}, "nobody to compare"),
        ((0, 0, 5), {"places": tuple(BRANCHES)}, "nobody to compare"),
    ],
)
def test_verdicts(shifts, changed, verdict):
    found = _judged(shifts, **changed)
    assert found["verdict"] == verdict
    assert verdict in VERDICTS


def test_one_wave_before_does_not_prove():
    scores = _scores((0, 0, 5))
    days = {wave: DAYS[wave] for wave in ("2024", "2025")}
    found = _judged(scores=scores[scores["wave"].isin(days)], days=days)
    assert (found["verdict"], found["compared_with"]) == ("not proven", "2024")


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"indicator": "valu"}, "the survey has no indicator 'valu'"),
        ({"started_on": pd.Timestamp("2025-06-01")}, "no wave has been in the field since the start"),
        ({"started_on": pd.Timestamp("2023-01-01")}, "there is no wave before the start"),
        ({"scope": "region", "places": ("West",)},
         "the bank does not know the region of a customer, so nobody knows whom it reached"),
        ({"scope": "other"}, "the bank does not know the other of a customer, so nobody knows whom it reached"),
        ({"places": ("elsewhere",)}, "nobody who answered is looked after where it runs"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_said(changed, why):
    found = _judged(**changed)
    assert (found["verdict"], found["design"], found["why"]) == ("not known", "not known", why)


def test_under_ten_answers_nothing_is_shown():
    scores = _scores((0, 0, 5))
    few = (scores["wave"] == "2025") & scores["branch"].isin(BRANCHES[:6])
    kept = scores[~few | scores.index.isin(scores.index[few][:9])]
    found = _judged(scores=kept)
    assert (found["verdict"], found["why"]) == ("not known", "fewer than 10 of the reached answered in 2025")
    assert np.isnan(found["effect"])


def test_places_of_a_rival_and_of_nobody_are_left_out():
    scores = _scores((0, 0, 5))
    scores.loc[scores["branch"] == "b11", "branch"] = "not known"
    register = pd.concat([_register(), _register(measure_id="M2", places=("b10",))], ignore_index=True)
    found = judge_measures(scores, register, DAYS).iloc[0]
    assert (found["treated_clusters_count"], found["control_clusters_count"]) == (6, 4)


def test_neither_order_nor_scale_of_weights_matters():
    scores = _scores((0, -1, 3))
    one = judge_measures(scores, _register(), DAYS)
    other = scores.sample(frac=1, random_state=2, ignore_index=True).assign(weight=7.0)
    two = judge_measures(other, _register(), DAYS)
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)


def test_many_looks_are_corrected():
    register = pd.concat([_register(measure_id=f"M{i}", places=(BRANCHES[i], BRANCHES[i + 1])) for i in range(4)])
    found = judge_measures(_scores((0, 0, 0)), register, DAYS)
    assert (found["p_holm"] >= found["p_value"] - 1e-12).all()
    assert judge_measures(_scores((0, 0, 0)), register.head(0), DAYS).empty


# --- a whole bank ---


def _tracking(scores, contacts=None, register=None, today=dt.date(2025, 12, 31), days=DAYS):
    contacts = pd.DataFrame({"customer_id": [], "csat": []}) if contacts is None else contacts
    register = _register() if register is None else register
    return Tracking(None, "no wave.", scores, dict(TITLES), days, register, contacts, "contact", (0.0, 10.0), today)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("tracking") / "bank", customers=800, months=28, seed=3).folder


@pytest.fixture(scope="module")
def tracking(folder):
    return tracking_on(Bank.open(folder).as_of(""))


@pytest.fixture(scope="module")
def judged(tracking):
    return judge_measures(tracking.scores, tracking.register, tracking.days)


def test_indicators_are_points_of_their_scale(tracking):
    raw, scores = tracking.study.frame, tracking.scores
    assert scores["image1"].tolist() == pytest.approx((10 * raw["image1"]).tolist(), nan_ok=True)
    assert set(scores["nps"].dropna()) <= {-100.0, 0.0, 100.0}
    parts = scores[["product_quality", "service_attitude", "handling_efficiency"]].mean(axis=1, skipna=False)
    assert scores["perceived_quality"].tolist() == pytest.approx(parts.tolist(), nan_ok=True)
    assert scores[tracking.constructs].min().min() >= 0
    assert scores[tracking.constructs].max().max() <= 100
    assert set(scores.columns) - set(tracking.titles) == {
        "customer_id",
        "wave",
        "weight",
        "region",
        "district",
        "branch",
    }


def test_the_next_wave_is_due_a_usual_step_later(tracking):
    assert tracking.waves == ["yearly 2023", "yearly 2024", "yearly 2025"]
    assert tracking.next_wave_on.year == 2026
    alone = _tracking(pd.DataFrame(), days={"2023": dt.date(2023, 3, 1)}, today=dt.date(2025, 5, 1))
    assert alone.next_wave_on == dt.date(2026, 2, 28)  # 2023-03-01 + 3 x 365.25 days, cut to whole days each
    assert _tracking(pd.DataFrame(), days={}).next_wave_on is None


def test_a_kept_index_and_an_earlier_wave_are_taken(folder, tracking):
    again = tracking_on(Bank.open(folder).as_of(""), kept=tracking.study.index.as_dict(), wave="yearly 2024")
    assert again.waves == ["yearly 2023", "yearly 2024"]
    assert again.study.base_wave == "kept"
    assert wave_evidence.index_by_wave(again).about.startswith("Index, 0 to 100, item weights of an earlier run;")
    with pytest.raises(CrmlabError, match="wave 'yearly 1999' is not in this survey"):
        tracking_on(Bank.open(folder).as_of(""), wave="yearly 1999")


def test_a_bank_without_waves_says_so(tmp_path):
    bank = Bank.open(simulate(tmp_path / "bank", customers=60, months=1, seed=1).folder).as_of("")
    found = tracking_on(bank)
    assert found.study is None
    assert found.why.startswith("no wave of the yearly survey was answered")
    nothing = judge_measures(found.scores, found.register, found.days)
    assert wave_evidence.index_by_wave(found) is None
    assert wave_evidence.what_changed(found) is None
    assert measure_evidence.effects_of(nothing, found.titles) is None
    assert measure_evidence.against_others(found, nothing) is None
    assert branch_changes.changes_by_place(found) == (None, "a change needs two waves")
    assert tracking_answer.headline(found, nothing).startswith("Whether measures worked cannot be said")
    assert tracking_answer.others(found, nothing) == ""
    assert tracking_answer.trend(found, None, None).startswith(
        "There is no index of satisfaction: no wave of the yearly survey"
    )


def test_every_evidence_has_a_short_title_and_numbers(tracking, judged):
    every = [
        wave_evidence.index_by_wave(tracking), wave_evidence.what_changed(tracking),
        measure_evidence.effects_of(judged, tracking.titles), measure_evidence.against_others(tracking, judged),
        branch_changes.changes_by_place(tracking)[0],
    ]  # fmt: skip
    for evidence in every:
        assert 0 < len(evidence.title) <= 70
        assert evidence.reading
        assert len(evidence.frame)
    changes = every[1]
    assert {f"change_{name}" for name in tracking.constructs} <= set(changes.estimates)
    assert wave_evidence.change_table(changes)["indicator"].tolist() == changes.frame["title"].tolist()


def test_the_planted_lot_is_found_and_everybody_is_not_judged(judged):
    found = judged.set_index("measure_id")
    assert found["design"].to_dict() == {"M01": "compared", "M02": "by lot", "M03": "everybody"}
    assert found.loc["M03", "verdict"] == "nobody to compare"
    assert found.loc["M02", "effect_low"] <= 4.8 <= found.loc["M02", "effect_high"]


def test_a_single_wave_is_shown_without_a_change(folder):
    bank = Bank.open(folder).as_of("2023-12-31")
    one = tracking_on(bank)
    stands = wave_evidence.index_by_wave(one)
    said = tracking_answer.trend(one, stands, wave_evidence.what_changed(one))
    assert said.endswith("in 2023; there is no earlier wave to compare with.")


# --- contacts ---


def _contacts(counts, level=7.0, seed=1):
    generator = np.random.default_rng(seed)
    months = pd.period_range("2023-01", periods=len(counts), freq="M")
    rows = [
        pd.DataFrame({"answered_on": month.start_time + pd.Timedelta(days=5), "csat": generator.normal(level, 1, n)})
        for month, n in zip(months, counts, strict=True)
    ]
    frame = pd.concat(rows, ignore_index=True)
    return frame.assign(customer_id="C", branch=np.resize(BRANCHES, len(frame)))


def test_contacts_are_charted_by_month_and_thin_ones_by_quarter():
    chart, why = contact_chart.usual_course(_tracking(pd.DataFrame(), _contacts([30] * 20)))
    assert why == ""
    assert chart.frame["period"].tolist()[:2] == ["2023-01", "2023-02"]
    assert chart.frame["is_baseline"].sum() == 12
    thin, _ = contact_chart.usual_course(_tracking(pd.DataFrame(), _contacts([5] * 18)))
    assert thin.frame["period"].tolist() == ["2023Q1", "2023Q2", "2023Q3", "2023Q4", "2024Q1", "2024Q2"]
    assert thin.frame["is_baseline"].sum() == 4
    assert contact_chart.usual_course(_tracking(pd.DataFrame()))[1] == "this bank's survey does not ask after contacts"
    nothing, why = contact_chart.usual_course(_tracking(pd.DataFrame(), _contacts([2] * 3)))
    assert nothing is None
    assert why == "n = 6 answers after contacts; nothing is left beyond the months to learn from"


def test_a_thin_month_is_not_shown():
    chart, _ = contact_chart.usual_course(_tracking(pd.DataFrame(), _contacts([30] * 15 + [9] + [30] * 4)))
    assert "2024-04" not in chart.frame["period"].tolist()


def test_a_shift_is_told_and_starts_are_marked():
    contacts = _contacts([40] * 24)
    contacts.loc[contacts["answered_on"] >= "2024-03-01", "csat"] -= 2
    tracking = _tracking(pd.DataFrame(), contacts)
    chart, _ = contact_chart.usual_course(tracking)
    found = contact_chart.after_contacts(tracking, chart)
    assert found["csat_signals_count"].value == 10
    assert "2024-03 lies below the limits" in found.reading
    assert found["csat_usual"].low < 7 < found["csat_usual"].high
    surges = pd.DataFrame({"month": [pd.Period("2024-07")], "topic": ["waiting_time"]})
    events = contact_chart.events_of(tracking, chart, surges)
    assert events.values.tolist() == [["2024-07", "many about waiting time"], ["2024-08", "Call back"]]


def test_contacts_judge_measures_around_their_start():
    contacts = _contacts([120] * 36, seed=4)
    reached = contacts["branch"].isin(BRANCHES[:6]) & (contacts["answered_on"] >= START)
    contacts.loc[reached, "csat"] += 1.5
    found = contact_chart.contact_effects(_tracking(pd.DataFrame(), contacts))
    assert found.frame.loc[0, "effect"] == pytest.approx(1.5, abs=0.35)
    assert found.frame.loc[0, "wave_after"] == "year from the start"
    assert found.title == "Satisfaction after contacts shows 1 of 1 measures"
    assert contact_chart.contact_effects(_tracking(pd.DataFrame())) is None


def test_a_run_on_one_topic_is_found_and_a_season_is_not():
    days = pd.date_range("2023-01-05", periods=24, freq="MS")
    usual = pd.DataFrame({"opened_at": np.repeat(days, 30), "topic": "card"})
    season = pd.DataFrame({"opened_at": np.repeat(days[::12], 40), "topic": "card"})
    assert contact_surges(pd.concat([usual, season])).empty  # 70 instead of 30
    outage = pd.DataFrame({"opened_at": [days[18]] * 15, "topic": "outage"})
    found = contact_surges(pd.concat([usual, outage]))
    assert found[["month", "topic", "count"]].astype(str).values.tolist() == [
        [str(days[18].to_period("M")), "outage", "15"]
    ]
    assert contact_surges(usual.head(0)).empty
    assert surges_on(SimpleNamespace(has=lambda *names: False)).empty


# --- branches ---


def test_a_panel_makes_the_change_of_a_branch_surer():
    generator = np.random.default_rng(5)
    rows = []
    for branch in BRANCHES[:4]:
        own = generator.normal(70, 10, 50)
        rows += [
            pd.DataFrame({"value": own + generator.normal(0, 2, 50), "wave": wave, "branch": branch,
                          "customer_id": [f"{branch}{number}" for number in range(50)]})
            for wave in ("1", "2")
        ]  # fmt: skip
    frame = pd.concat(rows, ignore_index=True)
    panel = branch_changes.group_changes(frame, "value", "branch", ("1", "2"))
    apart = frame.assign(customer_id=[f"C{number}" for number in range(len(frame))])
    loose = branch_changes.group_changes(apart, "value", "branch", ("1", "2"))
    assert panel["mean"].tolist() == pytest.approx(loose["mean"].tolist())
    # differences have a deviation of 2 x root 2, so the error is .4; of different customers 10.2 x root(2 / 50)
    assert panel["error"].mean() == pytest.approx(0.4, rel=0.25)
    assert loose["error"].mean() == pytest.approx(2.04, rel=0.15)


def test_branches_need_ten_answers_in_each_wave(tracking):
    found, why = branch_changes.changes_by_place(tracking)
    assert why == ""
    assert (found.frame["n"] >= 10).all()
    assert len(found.frame) <= 10


# --- what the page says ---


def test_the_answer_names_what_worked_and_what_only_looked_so():
    register = pd.concat([_register(is_drawn_by_lot=True), _register(measure_id="M2", measure="Training")])
    scores = _scores((0, -4, 5)).assign(image=_scores((0, -4, 0), seed=2)["value"])
    register.loc[register["measure_id"] == "M2", "indicator"] = "image"
    judged = judge_measures(scores, register.reset_index(drop=True), DAYS)
    tracking = _tracking(scores, register=register)
    tracking.titles["image"] = "Image"
    said = tracking_answer.headline(tracking, judged)
    assert said.startswith("1 of 2 measures worked. Call back raised perceived value by 4.")
    assert said.endswith("n = 480) where it was given by lot.")
    rest = tracking_answer.others(tracking, judged)
    assert rest.startswith("Training only looked so: image rose by ")
    outlook = tracking_answer.outlook(tracking, judged)
    assert outlook == (
        "What goes on: Call back goes on and is rolled out; Training ends, or is tested in places drawn by lot. Look "
        "again after the wave due in March 2026."
    )
    effects = measure_evidence.effects_of(judged, tracking.titles)
    assert effects["worked_count"].value == 1
    assert effects["only_looked_count"].value == 1
    assert {"effect_m1", "naive_m1", "effect_m2", "naive_m2"} <= set(effects.estimates)
    names = tracking_answer.labels(tracking, judged, effects.estimates)
    assert names["effect_m2"] == "Training: effect"
    assert set(effects.estimates) <= set(names)


def test_next_steps_name_places_that_are_left():
    judged = judge_measures(_scores((0, 0, 5)), _register(), DAYS)
    steps = measure_evidence.next_steps_table(judged, _register(), dt.date(2026, 3, 1), {"branch": 12})
    assert steps["next_step"].tolist() == ["Continue it, and roll it out to the other 6 branches, in two steps by lot."]
    assert steps["cost_amount"].tolist() == [100.0]
    everywhere = measure_evidence.next_step(judged.iloc[0].to_dict(), None, {"branch": 6})
    assert everywhere == "Continue it."
    table = measure_evidence.measures_table(judged, TITLES)
    assert table.loc[0, "measure"] == "Call back (perceived value)"
    assert "customer_id" not in table


@pytest.mark.parametrize("verdict", VERDICTS)
def test_every_verdict_has_a_next_step(verdict):
    one = {"verdict": verdict, "scope": "all", "places_count": 0, "smallest_effect": 2.0}
    assert measure_evidence.next_step(one, dt.date(2026, 3, 1), {}).endswith(".")
    register = _register()
    judged = judge_measures(_scores((0, 0, 5)), register, DAYS).assign(verdict=verdict)
    assert tracking_answer.outlook(_tracking(_scores((0, 0, 5))), judged).startswith("What goes on: Call back ")


def test_long_names_keep_titles_short():
    name = "A programme of measures with a name far longer than any chart has room for"
    judged = judge_measures(_scores((0, -4, 0)), _register(measure=name), DAYS)
    tracking = _tracking(_scores((0, -4, 0)), register=_register(measure=name))
    course = measure_evidence.against_others(tracking, judged)
    assert len(course.title) <= 70
    assert course.frame["measure"].str.split("\n").map(len).max() <= 2
    effects = measure_evidence.effects_of(judged, TITLES)
    assert effects.frame["label"].str.split("\n").str[0].str.len().max() <= 34


def test_places_of_customers_are_those_the_bank_has(folder):
    places = places_of_customers(Bank.open(folder))
    assert places.columns.tolist() == ["region", "district", "branch"]
    assert places.index.is_unique
