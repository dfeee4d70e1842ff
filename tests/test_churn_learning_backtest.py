"""Judged on what came after: splits, measures, rivals, the optimistic split, suspects, the card."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from crmlab.churn.learning.backtest import backtest, blocks_in_time, random_split
from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.learning.model_card import model_card
from crmlab.churn.learning.rivals import Rule, SplineLogistic
from crmlab.churn.learning.suspects import leaking_columns, suspects
from crmlab.errors import CrmlabError
from crmlab.stats import rolling_origin, subgroups


def _small():
    return ChurnModel(members=1)


def _panel(customers=700, dates=6, seed=1):
    rng = np.random.default_rng(seed)
    lasting, parts = rng.normal(size=(customers, 2)), []
    for t in range(dates):
        x = lasting + 0.5 * rng.normal(size=(customers, 2))
        p = expit(-1.6 + 1.0 * x[:, 0] + 0.8 * x[:, 0] * (x[:, 1] > 0))
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"C{i:04d}" for i in range(customers)],
                    "as_of": pd.Timestamp("2024-01-31") + pd.offsets.MonthEnd(t),
                    "a": x[:, 0], "b": x[:, 1], "left": (rng.random(customers) < p).astype(int),
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def panel():
    return _panel()


@pytest.fixture(scope="module")
def judged(panel):
    splits = rolling_origin(panel, outcome_months=1, test_dates=["2024-05-31", "2024-06-30"])
    return backtest(panel, splits=splits, model=_small, resamples=50)


def test_each_row_is_judged_by_a_model_that_knew_only_what_was_known(panel, judged):
    assert judged.is_dated
    assert judged.told == (
        "Judged on 2 dates, 2024-05-31 to 2024-06-30, each by a model that knew only what was known then."
    )
    assert len(judged.scores) == 1_400
    assert sorted(map(str, judged.scores["as_of"].unique())) == ["2024-05-31", "2024-06-30"]
    # the first origin by hand: outcomes of the dates to April are known at the end of May
    known = panel["as_of"] <= "2024-04-30"
    test = panel["as_of"] == "2024-05-31"
    features = ["a", "b"]
    model = _small().fit(panel.loc[known, features], panel.loc[known, "left"], dates=panel.loc[known, "as_of"],
                         customers=panel.loc[known, "customer_id"])  # fmt: skip
    expected = model.predict_proba(panel.loc[test, features])
    found = judged.scores.loc[expected.index]
    np.testing.assert_array_equal(found["p_model"].to_numpy(), expected.to_numpy())


def test_later_rows_change_no_earlier_judgement(panel, judged):
    changed = panel.copy()
    late = changed["as_of"] == "2024-06-30"
    changed.loc[late, "left"] = 1 - changed.loc[late, "left"]
    splits = rolling_origin(changed, outcome_months=1, test_dates=["2024-05-31"])
    again = backtest(changed, splits=splits, model=_small, rivals={}, resamples=10)
    first = judged.scores[judged.scores["as_of"].astype(str) == "2024-05-31"]
    np.testing.assert_array_equal(again.scores["p_model"].to_numpy(), first["p_model"].to_numpy())


def test_measures_are_those_of_the_rows_judged(judged):
    frame = judged.measures.frame.set_index(["learner", "measure"])["value"]
    y = judged.scores["outcome"]
    assert frame["model", "auc"] == pytest.approx(roc_auc_score(y, judged.scores["p_model"]))
    assert frame["rule", "brier"] == pytest.approx(np.mean((judged.scores["p_rule"] - y) ** 2))
    assert set(judged.measures.frame["learner"]) == {"model", "rule", "logistic"}
    assert set(judged.measures.frame["measure"]) == {
        "auc", "auc_within", "average_precision", "lift_10", "brier", "profit",
    }  # fmt: skip
    assert judged["model_auc"].low < judged["model_auc"].value < judged["model_auc"].high
    by_date = judged.by_origin.frame
    for day, part in judged.scores.groupby("as_of"):
        one = by_date[by_date["as_of"] == day].iloc[0]
        assert one["auc"] == pytest.approx(roc_auc_score(part["outcome"], part["p_model"]))
        assert one["n"] == 700
    assert judged.reliability["n"].sum() == 1_400


def test_the_learner_is_held_against_rivals_on_the_same_rows(judged):
    found = judged.differences.frame
    assert found["p_value_holm"].ge(found["p_value"]).all()
    one = found[(found["rival"] == "rule") & (found["measure"] == "auc_within")].iloc[0]
    assert one["verdict"] == "better"
    assert one["low"] > 0
    brier = found[(found["rival"] == "rule") & (found["measure"] == "brier")].iloc[0]
    expected = np.mean((judged.scores["p_model"] - judged.scores["outcome"]) ** 2) - np.mean(
        (judged.scores["p_rule"] - judged.scores["outcome"]) ** 2
    )
    assert brier["difference"] == pytest.approx(expected)
    assert "against rule by +" in judged.differences.reading


def test_a_learner_that_knows_nothing_beats_no_rival(panel):
    rng = np.random.default_rng(5)
    noise = panel.assign(left=(rng.random(len(panel)) < 0.2).astype(int))
    splits = rolling_origin(noise, outcome_months=1, test_dates=["2024-06-30"])
    found = backtest(noise, splits=splits, model=_small, rivals={"rule": Rule}, resamples=50)
    assert not found.differences.frame["verdict"].eq("better").any()
    assert found["model_auc"].low < 0.5 < found["model_auc"].high


def test_a_file_without_dates_is_judged_in_folds_and_says_so(panel):
    flat = panel[panel["as_of"] == panel["as_of"].max()].drop(columns="as_of")
    found = backtest(flat, model=_small, rivals={}, folds=3, resamples=20)
    assert not found.is_dated
    assert found.told == (
        "The file has no dates: 3 folds of customers by lot, each judged by a model of the others. "
        "That is optimistic where times change."
    )
    assert len(found.scores) == len(flat)
    assert "auc_within" not in set(found.measures.frame["measure"])
    mixed = backtest(flat.sort_values("left"), model=_small, rivals={}, folds=3, resamples=20)
    pd.testing.assert_series_equal(
        mixed.scores["p_model"].sort_index(), found.scores["p_model"].sort_index(), check_exact=True
    )


def test_a_split_by_lot_is_called_optimistic_where_the_month_decides():
    panel = _panel(500, 6)
    rng = np.random.default_rng(3)
    days = panel["as_of"].rank(method="dense").to_numpy()
    # a column that tells the month; the rate jumps from month to month, and which way is not known beforehand
    panel = panel.assign(
        rate_index=days, left=(rng.random(len(panel)) < np.where(days % 2 == 0, 0.35, 0.08)).astype(int)
    )
    splits = rolling_origin(panel, outcome_months=1, test_dates=["2024-04-30", "2024-05-31", "2024-06-30"])
    judged = backtest(panel, splits=splits, model=_small, rivals={}, resamples=10)
    found = random_split(panel, judged, model=_small)
    assert found.frame["split"].tolist() == ["out of time", "by lot"]
    assert "optimistic" in found.reading
    assert found["out_of_time"].n == len(judged.scores)


def test_days_are_cut_into_blocks_with_as_many_events_and_never_parted():
    rng = np.random.default_rng(1)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(np.sort(rng.integers(0, 300, 4_000)), unit="D")
    left = (rng.random(4_000) < 0.2).astype(int)
    splits = blocks_in_time(days, left, count=4)
    events = [left[s.test].sum() for s in splits]
    assert len(splits) == 4
    assert max(events) - min(events) < 40
    for split in splits:
        assert days[split.train].max() < days[split.test].min()
        assert days[split.train].max().date() == split.as_of
    with pytest.raises(CrmlabError) as refusal:
        blocks_in_time(["2024-01-01"] * 5, [0, 1, 0, 1, 0], count=2)
    assert str(refusal.value) == "blocks_in_time: 1 days cannot be cut into 3 blocks. Give more days."


def test_a_word_that_is_new_after_an_origin_is_counted_not_refused(panel):
    late = panel["as_of"] == panel["as_of"].max()
    worded = panel.assign(region=np.where(late & (panel.index % 7 == 0), "new", np.where(panel.index % 2, "n", "s")))
    splits = rolling_origin(worded, outcome_months=1, test_dates=["2024-06-30"])
    found = backtest(worded, splits=splits, model=_small, rivals={"logistic": SplineLogistic}, resamples=10)
    assert found.notes == ("2024-06-30: 100 rows have a word in region that was new.",)


def test_origins_with_too_little_to_learn_from_are_left_out_and_told():
    panel = _panel(60, 5)
    panel.loc[panel["as_of"] < "2024-02-15", "left"] = 0
    splits = rolling_origin(panel, outcome_months=1)
    found = backtest(panel, splits=splits, model=_small, rivals={}, resamples=10)
    assert found.notes[0] == "2024-02-29: fewer than 10 events, or others, to learn from; left out."
    with pytest.raises(CrmlabError) as refusal:
        backtest(panel.assign(left=0), splits=splits, model=_small)
    assert str(refusal.value) == ("backtest: no origin has 10 events and others to learn from. Take a longer time.")


def test_what_is_missing_in_a_panel_is_refused_at_once(panel):
    with pytest.raises(CrmlabError) as refusal:
        backtest(panel.drop(columns="customer_id"), outcome="lost", features=["a", "c"])
    assert refusal.value.problems == (
        "backtest: the panel lacks column 'customer_id'. Give it.",
        "backtest: the panel lacks column 'lost'. Give it.",
        "backtest: the panel lacks column 'c'. Give it.",
    )


def test_a_leak_is_suspected_and_an_honest_panel_is_not():
    panel, rng = _panel(), np.random.default_rng(7)
    # one strong cause among columns that know nothing is suspected, rightly: here five causes are alike
    for name in ("c", "d", "e"):
        panel[name] = rng.normal(size=len(panel))
    odds = -1.6 + 0.5 * panel[["a", "b", "c", "d", "e"]].sum(axis=1)
    panel["left"] = (rng.random(len(panel)) < expit(odds)).astype(int)
    clean = suspects(panel)
    assert leaking_columns(clean) == []
    leak = np.where(rng.random(len(panel)) < 0.97, panel["left"], 1 - panel["left"])
    found = suspects(panel.assign(closing_form=leak))
    assert leaking_columns(found) == ["closing_form"]
    drawn = suspects(panel.assign(closing_form=leak), most_cells=6_000)
    assert leaking_columns(drawn) == ["closing_form"]
    assert drawn.frame["n"].max() <= 1_001
    later = panel[["a"]].assign(a=panel["as_of"] + pd.Timedelta(days=3))
    assert leaking_columns(suspects(panel, known_on=later)) == ["a"]


@pytest.mark.slow
def test_duration_of_a_call_is_flagged_in_the_portuguese_bank(real_data):
    frame = pd.read_csv(real_data / "bank_marketing" / "bank-full.csv", sep=";")
    frame = frame.assign(left=(frame["y"] == "yes").astype(int), customer_id=np.arange(len(frame))).drop(columns="y")
    assert leaking_columns(suspects(frame)) == ["duration"]
    assert leaking_columns(suspects(frame.drop(columns="duration"))) == []


def _card(judged, panel, **changed):
    test = panel.loc[judged.scores.index]
    groups = subgroups(judged.scores["outcome"], judged.scores["p_model"], pd.cut(test["b"], [-9, 0, 9]).astype("str"))
    fields = {
        "model": _small().fit(panel[["a", "b"]], panel["left"], dates=panel["as_of"]),
        "backtest": judged, "subgroups": groups, "drift_limits": {"score": "PSI above its 99 % quantile by chance"},
        "purpose": "whom to call", "population": "all customers", "label": "left within a month",
        "windows": "1 month", "fingerprint": "ab12", "owner": "CRM team", "expires_on": "2025-06-30",
        "limitations": ["Shocks are not in the data."],
    }  # fmt: skip
    return model_card(**{**fields, **changed})


def test_the_card_says_all_and_is_plain(panel, judged):
    card = _card(judged, panel)
    said = card.frame.set_index(["part", "field"])["text"]
    assert said["Judgement", "AUC within a date"] == judged["model_auc_within"].text
    assert said["Outcome", "label"] == "left within a month"
    assert "4,200 rows" in said["Learning", "rows"]
    assert said["Monitoring", "score"] == "PSI above its 99 % quantile by chance"
    assert json.loads(json.dumps(card.as_dict()))["expires_on"] == "2025-06-30"
    assert not card.is_expired("2025-06-29")
    assert card.is_expired("2025-06-30")


def test_a_card_with_a_field_missing_is_refused(panel, judged):
    with pytest.raises(CrmlabError) as refusal:
        _card(judged, panel, owner=" ", limitations=[], expires_on="", drift_limits={})
    assert refusal.value.problems == (
        "model_card: drift_limits is missing. Say what is watched, and from which limit the model is judged anew.",
        "model_card: owner is missing. Say who answers for it.",
        "model_card: expires_on is missing. Say from when it must not be used without a new judgement.",
        "model_card: limitations is missing. Say where it fails.",
    )


@pytest.mark.slow
def test_calls_in_the_order_of_time_give_the_headline_and_a_lot_looks_better(real_data):
    frame = pd.read_csv(real_data / "bank_marketing" / "bank-full.csv", sep=";")
    months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
    month = frame["month"].map({name: k for k, name in enumerate(months, 1)}).to_numpy()
    year = 2008 + np.append(0, np.cumsum(np.diff(month) < 0))
    panel = frame.drop(columns=["y", "duration", "day", "month"]).assign(
        customer_id=np.arange(len(frame)), left=(frame["y"] == "yes").astype(int),
        as_of=pd.to_datetime({"year": year, "month": month, "day": frame["day"]}),
    )  # fmt: skip
    judged = backtest(
        panel, splits=blocks_in_time(panel["as_of"], panel["left"], count=3), model=_small, rivals={}, resamples=20
    )
    found = random_split(panel, judged, model=_small)
    assert found["optimistic"].value - found["out_of_time"].value > 0.03
    assert "optimistic" in found.reading
    # pooled over blocks the AUC mostly tells the months apart
    assert judged["model_auc"].value > judged["model_auc_within"].value + 0.05
