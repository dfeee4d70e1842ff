"""What membership does: the naive look at members beside customers like them, with what the comparison rests on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import tried
from crmlab.loyalty.programme.joining import MARGIN_BEFORE, Joining
from crmlab.loyalty.programme.ledger import Ledger
from crmlab.loyalty.programme.likeness import Likeness, alike
from crmlab.stats import Estimate

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["FEWEST_CLOSINGS", "Membership", "membership", "naive_look"]

FEWEST_CLOSINGS = 10  # on either side
_TAIL_SHARE = 0.025  # changes of the margin beyond these quantiles are set to them: a few giants must not decide
_SPENDING = ("card spending, last 3 months", "card spending, 3 months before", "card spending, last 3 months (log)",
             "card spending, 3 months before (log)")  # fmt: skip


@dataclass(frozen=True)
class Membership:
    """Effects of joining on those who joined, as far as those like them tell.

    Parameters
    ----------
    spending, placebo, leaving : Estimate or None
        Ratios: card spending in the half year after joining; the same in the three months before joining, where it must
        be 1; monthly rate of closing of all members. None where the bank's data do not carry it: see `why`.
    margin : Estimate or None
        How much more the margin of a year grew, in currency, among those who joined than among those like them; who
        leaves brings 0 once gone. The largest and smallest fortieth of the changes are drawn in.
    margin_deviation : float
        Standard deviation of that change, for planning a trial.
    likeness, likeness_of_members : Likeness or None
        Of the comparison of spending, and of that of leaving.
    why : dict of str to str
        By name: why there is no number.
    """

    spending: Estimate | None
    placebo: Estimate | None
    leaving: Estimate | None
    margin: Estimate | None
    margin_deviation: float
    likeness: Likeness | None
    likeness_of_members: Likeness | None
    why: dict[str, str]


def membership(joining: Joining, *, interchange_share: float = 0.0, currency: str = "EUR") -> Membership:
    """Estimate what joining did to those who joined.

    Parameters
    ----------
    joining : Joining
        From `crmlab.loyalty.programme.joining.joining_on`.
    interchange_share : float
        What the bank earns of card spending, share; added to the margin.
    currency : str
        Code of the currency.

    Notes
    -----
    Four comparisons, each with weights of its own (`crmlab.loyalty.programme.likeness.alike`) for those whose outcome
    is known. Margin is looked at as its change against the month before: levels differ so much between customers that
    their estimates spread 1.5 times as far as their intervals said (16 simulated banks); changes keep to theirs (7
    banks: spread 5.0, mean standard error 7.0 euros). The placebo takes the facts of the date three months earlier and
    looks at the spending before joining, which joining cannot move: a ratio away from 1 says that the others are not
    alike. Coverage of spending, leaving and placebo stands in ``benchmarks/loyalty.py``.
    """
    why: dict[str, str] = {}
    could = ~joining.frame["is_member"].to_numpy()
    frame = joining.frame[could].reset_index(drop=True)
    facts = joining.facts[could].reset_index(drop=True)
    spending, likeness = _compared(frame, facts, frame["spent_after_amount"].notna(), "spent_after_amount", why)
    leaving, of_members = _leaving(joining, why)
    margin, deviation = _margin(frame, facts, joining.has_margin, interchange_share, currency, why)
    return Membership(spending, _placebo(frame, facts, why), leaving, margin, deviation, likeness, of_members, why)


def naive_look(bank: Bank, ledger: Ledger, seen: pd.DataFrame) -> dict[str, Estimate]:
    """Compare all members with all others as they are: what many programmes report, and what misleads.

    Parameters
    ----------
    bank : Bank
        As of a day.
    ledger : Ledger
        Its points.
    seen : DataFrame
        Snapshot of the day, with ``card_paid_12m_amount`` or ``margin_12m_amount``.

    Returns
    -------
    dict of str to Estimate
        ``spending``: members' mean over that of the others; ``margin``: difference, a year.
    """
    is_member = seen.index.isin(ledger.entries["customer_id"].unique())
    found = {}
    if is_member.sum() < 2 or (~is_member).sum() < 2:
        return found
    if "card_paid_12m_amount" in seen and seen.loc[~is_member, "card_paid_12m_amount"].sum() > 0:
        found["spending"] = _plain_ratio(seen["card_paid_12m_amount"].fillna(0).to_numpy(dtype=float), is_member)
    if "margin_12m_amount" in seen:
        y = seen["margin_12m_amount"].fillna(0).to_numpy(dtype=float)
        value = y[is_member].mean() - y[~is_member].mean()
        step = 1.96 * np.sqrt(
            y[is_member].var(ddof=1) / is_member.sum() + y[~is_member].var(ddof=1) / (~is_member).sum()
        )
        found["margin"] = Estimate(value, bank.currency, value - step, value + step, len(y), "Welch")
    return found


def _plain_ratio(y: np.ndarray, is_member: np.ndarray) -> Estimate:
    parts = [(y[one].mean(), y[one].var(ddof=1) / one.sum()) for one in (is_member, ~is_member)]
    if min(mean for mean, _ in parts) <= 0:
        return Estimate(float("nan"), "", n=len(y), method="one side has none")
    value = np.log(parts[0][0] / parts[1][0])
    step = 1.96 * np.sqrt(sum(error / mean**2 for mean, error in parts))
    return Estimate(float(np.exp(value)), "", float(np.exp(value - step)), float(np.exp(value + step)), len(y), "delta")


def _compared(frame, facts, known, outcome, why, *, name="spending") -> tuple[Estimate | None, Likeness | None]:
    """Ratio of an outcome among those for whom it is known."""
    known = known.to_numpy()
    likeness, reason = _alike(frame[known], facts[known])
    if likeness is None:
        why[name] = reason
        return None, None
    found = likeness.ratio(frame.loc[known, outcome])
    if not np.isfinite(found.value):
        why[name] = "no card payments on one side"
        return None, likeness
    return found, likeness


def _alike(frame: pd.DataFrame, facts: pd.DataFrame, group: str = "is_joining") -> tuple[Likeness | None, str]:
    return tried(alike, facts, frame[group].to_numpy(), frame["customer_id"].to_numpy(),
                 strata=frame["as_of"].dt.date.astype(str).to_numpy())  # fmt: skip


def _placebo(frame: pd.DataFrame, facts: pd.DataFrame, why: dict[str, str]) -> Estimate | None:
    """Facts three months earlier, spending in the three months before joining could begin."""
    earlier = frame[["customer_id", "as_of"]].assign(
        row=np.arange(len(frame)), as_of=frame["as_of"] + pd.offsets.MonthEnd(3)
    )
    wanted = frame[["customer_id", "as_of", "is_joining", "spent_lately_amount"]]
    pairs = wanted.merge(earlier, on=["customer_id", "as_of"], how="inner")
    if pairs.empty:
        why["placebo"] = "nobody was seen at two dates before joining"
        return None
    then = facts.iloc[pairs["row"]].reset_index(drop=True)
    known = pairs["spent_lately_amount"].notna()
    return _compared(pairs, then, known, "spent_lately_amount", why, name="placebo")[0]


def _leaving(joining: Joining, why: dict[str, str]) -> tuple[Estimate | None, Likeness | None]:
    """Members of each date beside the others; card spending is no fact here, for membership moves it."""
    known = (joining.frame["at_risk_months"] > 0).to_numpy()
    part = joining.frame[known]
    closings = part.groupby("is_member")["closings_count"].sum().reindex([True, False], fill_value=0)
    if closings.min() < FEWEST_CLOSINGS:
        why["leaving"] = (f"{int(closings[True])} members and {int(closings[False])} others closed their accounts in "
                          f"the months that count; {FEWEST_CLOSINGS} of each are needed")  # fmt: skip
        return None, None
    facts = joining.facts[known].drop(columns=[name for name in _SPENDING if name in joining.facts])
    likeness, reason = _alike(part, facts, "is_member")
    if likeness is None:
        why["leaving"] = reason
        return None, None
    found = likeness.ratio(part["closings_count"], part["at_risk_months"])
    return replace(found, n=int(part.loc[part["is_member"], "customer_id"].nunique())), likeness


def _margin(frame, facts, has_margin, share, currency, why) -> tuple[Estimate | None, float]:
    known = frame["margin_after_amount"].notna().to_numpy()
    if not has_margin or not known.any():
        why["margin"] = "a year of margins after joining is not known"
        return None, float("nan")
    part = frame[known]
    spent_before = 12 * facts.loc[known, _SPENDING[0]]
    y = part["margin_after_amount"] - facts.loc[known, MARGIN_BEFORE]
    y = y + share * (part["spent_year_amount"] - spent_before)
    y = y.clip(lower=y.quantile(_TAIL_SHARE), upper=y.quantile(1 - _TAIL_SHARE))
    likeness, reason = _alike(part, facts[known])
    if likeness is None:
        why["margin"] = reason
        return None, float(y.std())
    return likeness.difference(y, unit=currency), float(y.std())
