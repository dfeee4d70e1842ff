"""Action lists: the channel that consent leaves, the draw of the hold-out, refusals."""

import pandas as pd
import pytest

from crmlab.errors import CrmlabError
from crmlab.outreach.calling import call_list, contact_channel


def _seen(**columns):
    rows = len(next(iter(columns.values())))
    return pd.DataFrame(columns, index=pd.Index([f"c{i}" for i in range(rows)], name="customer_id"))


def test_the_channel_asked_for_then_used_then_allowed():
    seen = _seen(
        preferred_channel=["email", "email", "mobile", None, None, "letter", None],
        is_email_allowed=[True, False, False, True, True, True, None],
        is_phone_allowed=[True, False, False, False, False, True, None],
        mobile_12m_share=[0.0, 0.1, 0.0, 0.3, 0.0, 0.0, None],
        branch_12m_share=[1.0, 0.0, 1.0, 0.2, 0.0, 0.0, None],
        phone_12m_share=[0.0, 0.9, 0.0, 0.5, 0.0, 0.0, None],
        card_12m_share=[0.0, 0.0, 0.0, 0.0, 1.0, 1.0, None],
    )
    # asked and allowed; not allowed, so the channel used most that is; asked; phone is used most but not allowed;
    # only the card is used: e-mail is allowed; an unknown wish: phone is allowed; nothing known
    assert contact_channel(seen).tolist() == ["email", "mobile", "mobile", "mobile", "email", "phone", "branch"]


def test_nothing_known_is_the_branch():
    assert contact_channel(_seen(assets_amount=[1.0, 2.0])).tolist() == ["branch", "branch"]
    assert contact_channel(_seen(assets_amount=[1.0])[:0]).empty


def test_no_channel_is_used_without_consent(small_bank):
    from crmlab.bank import Bank
    from crmlab.snapshots import snapshot

    seen = snapshot(Bank.open(small_bank).as_of(""))
    chosen = contact_channel(seen)
    assert chosen.index.equals(seen.index)
    assert chosen.nunique() >= 4
    for channel in ("phone", "email", "sms", "social"):
        assert seen.loc[chosen == channel, f"is_{channel}_allowed"].all()


def test_the_hold_out_is_drawn_and_does_not_depend_on_the_order():
    reasons = pd.Series("room", index=pd.Index([f"c{i}" for i in range(101)], name="customer_id"))
    seen = pd.DataFrame(index=reasons.index)
    listed = call_list(reasons, seen, day="2024-02-29", days=30, seed=3)
    assert list(listed) == ["reason", "channel", "expires_on", "is_holdout"]
    assert listed["is_holdout"].sum() == 50
    assert set(listed["expires_on"]) == {"2024-03-30"}
    turned = call_list(reasons[::-1], seen, day="2024-02-29", seed=3)
    assert turned["is_holdout"].sort_index().equals(listed["is_holdout"].sort_index())
    assert not call_list(reasons, seen, day="2024-02-29", seed=4)["is_holdout"].equals(listed["is_holdout"])
    assert call_list(reasons[:0], seen, day="2024-02-29").empty


def test_customers_of_elsewhere_and_a_full_hold_out_are_refused():
    with pytest.raises(CrmlabError) as error:
        call_list(pd.Series({"a": "room"}), pd.DataFrame(index=["b"]), day="2024-01-31", holdout_share=1.0)
    assert str(error.value).splitlines()[-2:] == [
        "- call_list: 1 customers are not in the snapshot. Take reasons from it.",
        "- call_list: holdout_share is 1.0. Give 0 or more, below 1.",
    ]
