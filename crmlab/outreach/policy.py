"""Whom the bank may speak to now: consent, rest after the last contact, running trials, open complaints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.bank.tables import CHANNELS
from crmlab.errors import nearest, refuse

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["ASKS", "may_contact", "suppressed"]

ASKS = ("phone", "email", "sms", "social")  # channels for which the customer's consent is needed


def may_contact(
    bank: Bank,
    *,
    channels: Sequence[str] = ASKS,
    rest_days: int = 60,
    despite_complaint: bool = True,
    despite_trial: bool = False,
) -> pd.DataFrame:
    """Say for every customer on file whether the bank may speak to them now, by which channel, and if not, why not.

    Parameters
    ----------
    bank : Bank
        As of the day of the list.
    channels : sequence of str
        Channels that the action can use, the one to be preferred first. Phone, e-mail, SMS and social media need
        consent; not known counts as none. The customer's preferred channel is taken where it is one of these.
    rest_days : int
        Days of rest after a campaign's contact; 0 for none.
    despite_complaint : bool
        Also those with an open complaint: for care, not for a sale.
    despite_trial : bool
        Also those in a campaign that still runs: for contacts that the bank owes, such as the answer to a complaint.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``, customers who have left too (a list for winning back needs them): ``channel`` (empty
        for none), ``why_not`` ("" where the bank may), ``last_contacted_on``.

    Notes
    -----
    The reasons are looked at in this order, and the first is told: has died; lost by fraud or the bank's own decision;
    no consent to any channel; in a campaign that still runs, in either arm (a contact would spoil its trial); contacted
    within the days of rest; open complaint. Who was held out counts as in the campaign but needs no rest after it.
    """
    unknown = [name for name in channels if name not in CHANNELS]
    refuse(
        *(
            f"may_contact has no channel {name!r}.{nearest(name, CHANNELS)} It knows {list(CHANNELS)}."
            for name in unknown
        ),
        *([] if channels else ["may_contact got no channel. Name one at least."]),
        *([] if rest_days >= 0 else [f"may_contact: rest_days is {rest_days}. Give 0 or more."]),
    )
    known = bank.columns("customers")
    wanted = [f"is_{name}_allowed" for name in channels if name in ASKS]
    columns = [name for name in (*wanted, "preferred_channel", "left_reason") if name in known]
    people = bank.frame("customers", ["customer_id", *columns]).set_index("customer_id")
    found = pd.DataFrame({"channel": _channel(people, channels)}, index=people.index)
    found["last_contacted_on"] = _last_contact(bank).reindex(found.index)
    day = pd.Timestamp(bank.date or bank.report_on)
    resting = (day - found["last_contacted_on"]).dt.days < rest_days
    reason = people["left_reason"] if "left_reason" in people else pd.Series(None, index=people.index, dtype="str")
    why = pd.Series("", index=people.index, dtype="str")
    if not despite_complaint:
        why = why.mask(people.index.isin(_complaining(bank)), "open complaint")
    why = why.mask(resting, f"contacted within {rest_days} days")
    if not despite_trial:
        why = why.mask(people.index.isin(_in_trial(bank)), "in a campaign that still runs")
    why = why.mask(found["channel"] == "", f"no consent to {_either(channels)}")
    why = why.mask(reason.isin(["bank", "fraud"]), "lost by fraud or by the bank's own decision")
    why = why.mask(reason == "deceased", "has died")
    return found.assign(why_not=why)[["channel", "why_not", "last_contacted_on"]]


def suppressed(reasons: pd.Series, policy: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """Take out of a list whom the bank may not speak to, and count them by the reason.

    Parameters
    ----------
    reasons : Series of str
        Why each customer would be on the list, indexed by ``customer_id``.
    policy : DataFrame
        From `may_contact`.

    Returns
    -------
    kept : Series of str
        The rest, in the same order.
    counts : DataFrame
        ``why_not``, ``customers_count``, the most first.

    Examples
    --------
    >>> policy = pd.DataFrame({"why_not": ["", "has died"]}, index=pd.Index(["a", "b"], name="customer_id"))
    >>> kept, counts = suppressed(pd.Series({"a": "silent", "b": "silent"}), policy)
    >>> kept.index.tolist(), counts.values.tolist()
    (['a'], [['has died', 1]])
    """
    why = policy["why_not"].reindex(reasons.index)
    lacking = int(why.isna().sum())
    if lacking:
        refuse(f"suppressed: {lacking:,} customers of the list are not in the policy. Make it from the same bank.")
    counts = why[why != ""].value_counts().rename_axis("why_not").rename("customers_count").reset_index()
    counts = counts.sort_values(["customers_count", "why_not"], ascending=[False, True], kind="stable")
    return reasons[why == ""], counts.reset_index(drop=True)


def _channel(people: pd.DataFrame, channels: Sequence[str]) -> pd.Series:
    chosen = pd.Series("", index=people.index, dtype="str")
    asked = people.get("preferred_channel")
    may = {name: _allowed(people, name) for name in channels}
    if asked is not None:
        for name, allowed in may.items():
            chosen = chosen.mask((asked == name).fillna(False).astype(bool) & allowed, name)
    for name, allowed in may.items():
        chosen = chosen.mask((chosen == "") & allowed, name)
    return chosen


def _allowed(people: pd.DataFrame, channel: str) -> pd.Series:
    if channel not in ASKS:
        return pd.Series(True, index=people.index)
    column = f"is_{channel}_allowed"
    if column not in people:
        return pd.Series(False, index=people.index)
    return people[column].astype("boolean").fillna(False).astype(bool)


def _last_contact(bank: Bank) -> pd.Series:
    if not bank.has("contacts"):
        return pd.Series(dtype="datetime64[us]")
    rows = bank.to_frame(
        bank.sql(
            "select customer_id, max(assigned_at) as at from contacts where arm = 'treatment' group by customer_id"
        )
    )
    return pd.to_datetime(rows.set_index("customer_id")["at"])


def _in_trial(bank: Bank) -> set[str]:
    if not bank.has("contacts", "campaigns", "campaigns.ended_on"):
        return set()
    day = bank.date or bank.report_on
    rows = bank.sql(
        f"select distinct customer_id from contacts join campaigns using (campaign_id) where ended_on > date '{day}'"
    ).fetchall()
    return {one for (one,) in rows}


def _complaining(bank: Bank) -> set[str]:
    if not bank.has("interactions"):
        return set()
    settled = "resolved_at is null" if bank.has("interactions.resolved_at") else "true"
    rows = bank.sql(f"select distinct customer_id from interactions where kind = 'complaint' and {settled}").fetchall()
    return {one for (one,) in rows}


def _either(channels: Sequence[str]) -> str:
    names = {"email": "e-mail", "sms": "SMS", "social": "social media"}
    asked = [names.get(name, name) for name in channels if name in ASKS]
    return asked[0] if len(asked) == 1 else " or ".join((", ".join(asked[:-1]), asked[-1])) if asked else "any channel"
