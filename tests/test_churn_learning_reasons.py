"""Reasons sum to the score, speak of the customer's own value, and say nothing of causes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmlab.churn.learning.learner import ChurnModel
from crmlab.churn.learning.reasons import OTHER, Reason, group_contributions, reason_shares, top_reasons
from crmlab.errors import CrmlabError

REASONS = {
    "activity": Reason("use of the bank", "uses the bank little", "uses the bank much", missing="use is not known"),
    "logins": Reason("use of the bank", "hardly logs in", "logs in often"),
    "is_young": Reason("age", "is not young", "is young"),
    "region": Reason("region", words={"north": "lives in the north"}),
    "kind": Reason("kind", "is of kind 0", "is of kind 1"),
}


@pytest.fixture(scope="module")
def customers():
    rng = np.random.default_rng(1)
    n = 3_000
    frame = pd.DataFrame(
        {
            "activity": rng.normal(size=n), "logins": rng.normal(size=n), "is_young": rng.random(n) < 0.5,
            "region": np.where(rng.random(n) < 0.5, "north", "south"), "kind": rng.integers(0, 2, n),
            "unspoken": rng.normal(size=n),
        },
        index=pd.Index([f"C{i}" for i in range(n)], name="customer_id"),
    )  # fmt: skip
    # extreme activity of either sign loses customers; young and kind 1 lose them too, north too
    odds = -3 + 1.2 * frame["activity"] ** 2 + 1.0 * frame["is_young"] + (frame["region"] == "north") + frame["kind"]
    left = (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int)
    return frame, left


@pytest.fixture(scope="module")
def model(customers):
    return ChurnModel(members=3).fit(*customers)


def test_groups_sum_to_the_score(customers, model):
    frame, _ = customers
    parts, groups = model.contributions(frame), group_contributions(model, frame, REASONS)
    np.testing.assert_allclose(parts.sum(axis=1), model.score(frame), atol=1e-6)
    np.testing.assert_allclose(groups.sum(axis=1), model.score(frame), atol=1e-6)
    assert list(groups.columns) == ["age", "kind", OTHER, "region", "use of the bank", "base"]
    np.testing.assert_allclose(groups["use of the bank"], parts["activity"] + parts["logins"])
    assert groups["base"].nunique() == 1


def test_words_fit_the_value_whichever_way_the_model_bends(customers, model):
    frame, _ = customers
    plain = frame.iloc[[0]].assign(is_young=False, region="south", kind=0, logins=0.0, unspoken=0.0)
    asked = pd.concat([plain.assign(activity=-2.5), plain.assign(activity=2.5), plain.assign(activity=0.0)])
    said = top_reasons(model, asked, REASONS)
    assert said["reason_1"].tolist()[:2] == ["uses the bank little", "uses the bank much"]
    assert said["reason_1"].iloc[2] not in ("uses the bank little", "uses the bank much")
    assert said["p_churn"].iloc[0] > said["p_churn"].iloc[2]
    assert said.columns.tolist() == ["p_churn", "reason_1", "reason_2", "reason_3"]


def test_flags_words_and_two_valued_numbers_are_said_as_they_are(customers, model):
    frame, _ = customers
    asked = frame.iloc[[0]].assign(activity=0.0, is_young=True, region="north", kind=1, logins=0.0, unspoken=0.0)
    said = top_reasons(model, asked, REASONS).iloc[0]
    assert {said["reason_1"], said["reason_2"], said["reason_3"]} == {
        "is young", "lives in the north", "is of kind 1",
    }  # fmt: skip


def test_without_words_the_column_speaks_and_a_gap_is_said(customers, model):
    frame, _ = customers
    asked = frame.iloc[[0, 1]].assign(activity=[-2.5, np.nan], is_young=False, region="south", kind=0)
    said = top_reasons(model, asked, {"logins": Reason("use")}, top=1)
    assert said["reason_1"].iloc[0] == "low activity"
    assert said.columns.tolist() == ["p_churn", "reason_1"]
    told = top_reasons(model, asked.iloc[[1]], {"activity": Reason("use", missing="use is not known")}, top=5)
    assert "uses the bank" not in " ".join(told.iloc[0, 1:])


def test_a_customer_of_whom_nothing_raises_the_score_has_no_reason(customers, model):
    frame, _ = customers
    calm = frame.iloc[[0]].assign(activity=0.1, is_young=False, region="south", kind=0, logins=0.0, unspoken=0.0)
    assert top_reasons(model, calm, REASONS).iloc[0, 1:].tolist() == ["", "", ""]


def test_reasons_keep_the_order_of_rows(customers, model):
    frame, _ = customers
    some = frame.iloc[:50]
    said = top_reasons(model, some, REASONS)
    pd.testing.assert_frame_equal(top_reasons(model, some[::-1], REASONS)[::-1], said)


def test_the_shares_of_reasons_add_up_and_name_no_cause(customers, model):
    found = reason_shares(model, customers[0], REASONS)
    assert found.frame["reason"].iloc[0] == "use of the bank"
    assert found.frame["weight_share"].sum() == pytest.approx(1)
    assert found.title == "The scores rest most on use of the bank"
    assert found.reading.endswith("This says what the model uses, not why customers leave.")


def test_wrong_reasons_are_refused(customers, model):
    frame, _ = customers
    with pytest.raises(CrmlabError) as refusal:
        group_contributions(model, frame, {"activity": "use", "logins": Reason("base")})
    assert refusal.value.problems == (
        "reasons: 'activity' is a str. Give a Reason.",
        "reasons: a group is named 'base', which is the average customer. Name it otherwise.",
    )
    with pytest.raises(CrmlabError) as refusal:
        group_contributions(model, frame, {"activty": Reason("use")})
    assert str(refusal.value) == (
        "reasons: no column of the model has a reason. Name some of ['activity', 'is_young', 'kind', 'logins',"
        " 'region', 'unspoken']. Did you mean 'activity'?"
    )
    with pytest.raises(CrmlabError) as refusal:
        top_reasons(model, frame, REASONS, top=0)
    assert str(refusal.value) == "top_reasons: top is 0. Give a whole number, 1 or more."
