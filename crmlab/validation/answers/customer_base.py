"""What is true of the numbers of notebook 00: who the customers are, and whether the data can be trusted."""

from __future__ import annotations

import pandas as pd

from crmlab.customer_base import month_starts
from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.departures import expected_departures

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "00_customer_base"
_YEAR_MONTHS = 12


def _customers(case: Case) -> Known:
    return Known(
        float(_here(case, pd.Timestamp(case.bank.date)).sum()),
        "Counted in the truth: persons who had joined and not left by the day, each once.",
    )


def _joined(case: Case) -> Known | Unknown:
    year = _year(case)
    if year is None:
        return Unknown("The bank is younger than a month.")
    first, last = year
    start = int(_here(case, first.start_time - pd.Timedelta(days=1)).sum())
    rate, founders = _joining(case)
    back = _returned(case, first.start_time, last.end_time)
    months = last.ordinal - first.ordinal + 1
    if not start:
        return Unknown("Nobody was there at the start of the year.")
    return Known(
        (months * rate * founders + back) / start,
        f"Planted: each month {100 * rate:.2f} new customers for 100 of the first day"
        + (f"; {back} who came back under a new number are added as they came." if back else "."),
    )


def _new(case: Case) -> Known:
    day = pd.Timestamp(case.bank.date)
    people, rate, founders = _people(case), *_joining(case)
    here = _here(case, day)
    recent = people["joined_on"] > day - pd.Timedelta(days=365)  # notebook 00: under one year, in whole days
    months = min(_YEAR_MONTHS, (day.to_period("M") - _begins(case)).n + 1)
    back = _returned(case, day - pd.Timedelta(days=365), day)
    joined = months * rate * founders + back
    stay = here[recent].mean() if recent.any() else 1.0
    older = int((here & ~recent).sum())
    # who joined shortly before the first day is neither drawn by the rate nor older than a year
    early = int((here & recent & (people["joined_on"] < _begins(case).start_time)).sum())
    new = joined * stay + early
    return Known(
        float(new / (new + older)),
        "The planted rate of joining over the year, less those who left again, of all customers of the day.",
    )


def _left(case: Case) -> Known | Unknown:
    year = _year(case)
    if year is None:
        return Unknown("The bank is younger than a month.")
    first, last = year
    start = int(_here(case, first.start_time - pd.Timedelta(days=1)).sum())
    if not start:
        return Unknown("Nobody was there at the start of the year.")
    expected = expected_departures(case.truth, case.bank, first, last)
    return Known(
        float(expected.sum()) / start,
        "Sum of every customer's true chances to leave in the year (to close, to be closed after long silence, to "
        "die), of the customers at its start.",
    )


def _alarms(case: Case) -> Known | Unknown:
    planted = case.truth.planted
    if planted:
        return Unknown(
            f"Defects were planted ({', '.join(planted)}); one defect may raise several alarms, so their number has no "
            "true value. Look at the notebook for what was found."
        )
    rate = float(case.parameters.get("false_alarm_rate", 0.05))
    return Known(
        0.0,
        "No defect was planted in this bank, so every alarm is a false one; by chance each kind of check raises "
        f"one in at most {100 * rate:g} of 100 clean banks.",
    )


def _people(case: Case) -> pd.DataFrame:
    return case.truth.table("customers", columns=["customer_id", "joined_on", "left_on", "previous_customer_id"])


def _here(case: Case, day: pd.Timestamp) -> pd.Series:
    """Who had joined and not left by the end of a day."""
    people = _people(case)
    return (people["joined_on"] <= day) & ~(people["left_on"] <= day)


def _year(case: Case) -> tuple[pd.Period, pd.Period] | None:
    """First and last of the whole months that the notebook calls the last year."""
    starts = month_starts(case.bank, int(case.parameters.get("months", 24)))[-_YEAR_MONTHS:]
    return (starts[0].to_period("M"), starts[-1].to_period("M")) if len(starts) else None


def _begins(case: Case) -> pd.Period:
    """First month of the simulation."""
    return case.truth.table("months", columns=["month_on"])["month_on"].min().to_period("M")


def _joining(case: Case) -> tuple[float, int]:
    """Planted joiners a month for each customer of the first day, and the customers of that day."""
    rate = case.truth.parameters["customers"]["joining"]["a_month_per_customer_of_the_first_day"]
    return float(rate), int((_people(case)["joined_on"] < _begins(case).start_time).sum())


def _returned(case: Case, after: pd.Timestamp, until: pd.Timestamp) -> int:
    """Count who came back under a new number."""
    people = _people(case)
    within = (people["joined_on"] >= after) & (people["joined_on"] <= until)
    return int((people["previous_customer_id"].notna() & within).sum())


TRUTHS: dict[str, TrueValue] = {
    "customers": _customers,
    "joined_share": _joined,
    "new_share": _new,
    "left_share": _left,
    "alarms": _alarms,
}
_NO_FORMULA = (
    "It grows out of years of chances in the simulation, none of which states it; only a far larger bank of the same "
    "kind would tell."
)
NO_TRUTH: dict[str, str] = {
    "tenure_median": _NO_FORMULA,
    "active_share": "Whether a customer acts follows from many small chances a day; the simulation keeps none of them.",
    "products_mean": _NO_FORMULA,
    "one_product_share": _NO_FORMULA,
    "no_product_share": _NO_FORMULA,
    "digital_share": "Customers have a planted digital affinity, but bookings by channel follow from more than that.",
}
