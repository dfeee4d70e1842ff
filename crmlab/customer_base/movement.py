"""How customers come and go, month by month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency

from crmlab.bank.tables import CONTRACT
from crmlab.stats import Evidence, count_text, psi, rate, rates, share_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["joiners_changed", "month_starts", "movement"]

_FEWEST_IN_CLASS = 10  # joiners of both groups: the law of the index is that of large classes


def month_starts(bank: Bank, months: int) -> pd.DatetimeIndex:
    """Return the first days of the last whole calendar months by the bank's date, at most `months`.

    Months before the first row of the bank are left out.
    """
    last = pd.Timestamp(bank.date or bank.last_on)
    end = (last + pd.Timedelta(days=1)).to_period("M") - 1  # last whole month
    first = max(end - (months - 1), pd.Timestamp(bank.first_on).to_period("M"))
    return pd.period_range(first, end, freq="M").to_timestamp() if first <= end else pd.DatetimeIndex([])


def movement(bank: Bank, *, months: int = 24) -> Evidence:
    """Count who joined and who left in each whole month.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Whole calendar months to look back.

    Returns
    -------
    Evidence
        Frame: ``month``, ``joined_count``, ``left_count``, ``start_count`` (customers on the first day), and for both a
        rate a month with exact Poisson limits (``joined_share``, ``left_share``, ``..._low``, ``..._high``). Estimates
        over the last 12 months: ``joined_share``, ``left_share``, ``net_count``. Without ``customers.left_on``
        leavers are not known, not 0.

    Notes
    -----
    The rate relates events to the customers at the start of the period. Whoever joined and left before the first
    extract of the bank is in no table: rates of long ago look too good.
    """
    starts = month_starts(bank, months)
    leaves = bank.has("customers.left_on")
    left_on = "left_on" if leaves else "NULL::DATE"
    query = f"select joined_on, {left_on} as left_on, count(*) as n from customers group by all"
    found = bank.to_frame(bank.sql(query))
    days = found.assign(
        joined_on=pd.to_datetime(found["joined_on"]), left_on=pd.to_datetime(found["left_on"]), n=found["n"].astype(int)
    )
    counted = []
    for start in starts:
        end = start + pd.offsets.MonthBegin()
        joined = days.loc[(days["joined_on"] >= start) & (days["joined_on"] < end), "n"].sum()
        left = days.loc[(days["left_on"] >= start) & (days["left_on"] < end), "n"].sum()
        there = (days["joined_on"] < start) & ~(days["left_on"] < start)
        counted.append((start, int(joined), int(left), int(days.loc[there, "n"].sum())))
    frame = pd.DataFrame(counted, columns=["month", "joined_count", "left_count", "start_count"])
    for side in ("joined", "left"):
        limits = rates(frame[f"{side}_count"], frame["start_count"])
        frame = frame.assign(**{limit.replace("rate", f"{side}_share"): limits[limit] for limit in limits})
    year = frame.tail(12)
    start = int(year["start_count"].iloc[0]) if len(year) else 0
    came, went = int(year["joined_count"].sum()), int(year["left_count"].sum())
    span = f"the last {len(year)} whole months"
    joined = rate(came, start, unit="share")
    estimates = {"joined_share": joined}
    if not leaves:
        frame = frame.assign(left_count=np.nan, left_share=np.nan, left_share_low=np.nan, left_share_high=np.nan)
        return Evidence(
            frame,
            title=f"{count_text(came)} customers joined in {span}",
            about="Customers who joined, number a month; full count; who left is not recorded",
            reading=f"In {span} {count_text(came)} customers joined"
            + (
                f", {joined.text} of those at the start."
                if came < start
                else f"; {count_text(start)} were there before."
            )
            + " Who left is not recorded.",
            estimates=estimates if came < start else {},
        )
    left = rate(went, start, unit="share")
    many = count_text(abs(came - went))
    base = (
        f"The base grew by {many}"
        if came > went
        else f"The base shrank by {many}"
        if came < went
        else "The base stood still"
    )
    return Evidence(
        frame,
        title=f"{base}: {count_text(came)} joined, {count_text(went)} left in a year"
        if len(year) == 12
        else f"{base}: {count_text(came)} joined, {count_text(went)} left",
        about=f"Customers who joined (up) and left (down), number a month; full count; {len(frame)} whole months",
        reading=f"In {span} {count_text(came)} customers joined and {count_text(went)} left: "
        f"{joined.text} and {left.text} of the {count_text(start)} at the start. {base}.",
        estimates=estimates | {"left_share": left},
    )


def joiners_changed(bank: Bank, *, months: int = 12, false_alarm_rate: float = 0.05) -> Evidence:
    """Compare who joined in the last 12 months with who joined in the 12 before, fact by fact.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    months : int
        Months of each group; fewer where the bank's events do not reach back twice as far.
    false_alarm_rate : float
        Chance of at least one alarm over all facts when nothing has changed.

    Returns
    -------
    Evidence
        Frame: ``fact``, ``PSI``, ``PSI by chance`` (its mean when nothing has changed), ``p_value`` (after Holm's
        correction), ``is_alarm``, ``joiners_count``, ``joiners_before_count``.

    Notes
    -----
    The index says how large a change is; whether there is one is judged by Pearson's chi-square test, which keeps its
    error rate where classes are small. Classes with fewer than 10 joiners are one class. Who joined before the bank's
    first booking or contact is known only if still there then, so such joiners are not compared; nor are people who
    came back under a new number. Facts of the customers table are those of the extract, so a fact filled later for old
    customers may look like a change.
    """
    facts = [
        name
        for name in ("gender", "region", "occupation", "education", "acquisition_channel", "preferred_channel")
        if bank.has(f"customers.{name}")
    ]
    age = ", (year(joined_on) - year(birth_on)) // 10 * 10 as age_band" if bank.has("customers.birth_on") else ""
    facts += ["age_band"] if age else []
    day = bank.date or bank.last_on
    span = min(months, _observed_months(bank) // 2)
    columns = "".join(f', "{name}"' for name in facts if name != "age_band")
    back = " and previous_customer_id is null" if "previous_customer_id" in bank.columns("customers") else ""
    joiners = bank.to_frame(
        bank.sql(
            f"select joined_on > date '{day}' - interval {span} month as is_new{columns}{age} from customers"
            f" where joined_on > date '{day}' - interval {2 * span} month{back}"
        )
    )
    rows = []
    for fact in facts:
        counts = pd.crosstab(joiners[fact].astype("str").fillna("not known"), joiners["is_new"])
        counts = counts.reindex(columns=[False, True], fill_value=0)
        few = counts.sum(axis=1) < _FEWEST_IN_CLASS
        counts = pd.concat([counts[~few], counts[few].sum().to_frame().T])
        counts = counts[counts.sum(axis=1) > 0]
        found = psi(counts[False], counts[True])
        is_comparable = found.bins > 1 and counts.sum().min() > 0  # a survey's customers may all be new that day
        p = chi2_contingency(counts, correction=False).pvalue if is_comparable else 1.0
        rows.append((fact.replace("_", " "), found.value, found.expected, float(p)))
    frame = pd.DataFrame(rows, columns=["fact", "PSI", "PSI by chance", "p_value"])
    frame = frame.sort_values("p_value", kind="stable")
    steps = np.maximum.accumulate(frame["p_value"].to_numpy() * np.arange(len(frame), 0, -1)) if len(frame) else []
    frame = frame.assign(p_value=np.minimum(steps, 1.0), is_alarm=np.array(steps) < false_alarm_rate)
    new, old = int(joiners["is_new"].sum()), int((~joiners["is_new"].astype(bool)).sum())
    frame = frame.assign(joiners_count=new, joiners_before_count=old).reset_index(drop=True)
    odd = frame.loc[frame["is_alarm"], "fact"].tolist()
    said = f"differ in {', '.join(odd)} by more than chance" if odd else "differ in none of them by more than chance"
    year = span == 12
    return Evidence(
        frame,
        title="Who joined, this year against the year before" if year else f"Who joined, {span} months against {span}",
        about=f"Population stability index of {new:,} joiners against {old:,}; chi-square tests, Holm's correction",
        reading=f"The {new:,} joiners of the last {span} months and the {old:,} of the {span} before were compared in "
        f"{len(facts)} facts; they {said} (false alarm rate {share_text(false_alarm_rate)} over all facts)."
        if span
        else "The bank's events do not reach back far enough to compare joiners.",
    )


def _observed_months(bank: Bank) -> int:
    """Whole months since the first booking or contact; joiners of before are known only if they stayed."""
    tables = [name for name in ("transactions", "interactions", "digital_events") if bank.has(name)]
    last = pd.Timestamp(bank.date or bank.last_on) + pd.Timedelta(days=1)
    if not tables:
        return 24
    first = min(
        pd.Timestamp(bank.sql(f"select min({CONTRACT[name].known_on})::date from {name}").fetchall()[0][0])
        for name in tables
    )
    return max(0, (last.year - first.year) * 12 + last.month - first.month)
