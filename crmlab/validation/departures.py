"""How many customers should have left in a stretch of months, by their own true chances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.validation.truth import Truth

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["closing_chances", "expected_departures"]

_DAYS_A_YEAR = 365.2425


def expected_departures(truth: Truth, bank: Bank, first: pd.Period, last: pd.Period) -> pd.Series:
    """Add up each customer's true chances to leave in a stretch of whole months.

    Parameters
    ----------
    truth : Truth
        Its tables ``customers`` and ``months``, and its parameters of leaving and mortality.
    bank : Bank
        Gives birth dates; the chance to die depends on age.
    first, last : Period
        First and last month, both included.

    Returns
    -------
    Series of float
        By ``customer_id``; the sum over customers is the expected number of leavers.

    Notes
    -----
    A count of events less the sum of their chances, each given what went before, is a martingale: it is 0 on average
    and its variance is about the count, so the sum is what a Poisson interval of the count should hold. Chances are:

    - to decide to close, a few months before the accounts close, each delay as likely;
    - to fall silent, as long before the bank ends the relation;
    - to die, which ends the relation a month later; of those who had decided to close before, the decision counts.

    Who uses only the partner's account leaves with the partner. What was decided before the bank's first month is no
    matter of chance any more and counts as it came.
    """
    people = truth.table("customers").set_index("customer_id")
    plan = truth.parameters["leaving"]
    delays = range(plan["delay"]["months_low"], plan["delay"]["months_high"] + 1)
    silent = plan["dormant_months"]["until_the_bank_ends_it"]
    read = (first - max(silent, *delays)).start_time.date(), last.end_time.date()
    wanted = ["customer_id", "month_on", "status", "hazard", "hazard_of_closing"]
    months = truth.table("months", columns=wanted, months=read)
    numbers = pd.PeriodIndex(months["month_on"], freq="M").asi8  # months since 1970
    begins = int(numbers.min(initial=first.ordinal))
    window = range(first.ordinal, last.ordinal + 1)
    closes = _weights(numbers, [(leaves - delay, 1 / len(delays)) for leaves in window for delay in delays])
    ends = _weights(numbers, [(leaves - silent, 1.0) for leaves in window])
    # who was there at a month's end may die in the next month and leave in the one after it; the first month has no
    # month before it, so its own end stands for it
    dies = _weights(numbers, [(max(leaves - 2, begins), 1.0) for leaves in window if leaves > begins])
    dies = dies * months["status"].isin(["active", "silent"]).to_numpy()
    closing = months["hazard_of_closing"].to_numpy(dtype=float)
    silence = months["hazard"].to_numpy(dtype=float) - closing
    chance = closing * closes + silence * ends + dies * _chance_to_die(truth, bank, months, numbers)
    expected = pd.Series(chance).groupby(months["customer_id"].to_numpy()).sum().reindex(people.index, fill_value=0.0)
    expected = expected + _given(people, first, last)
    return expected + _with_partner(people, expected, first)


def closing_chances(truth: Truth, first: pd.Period, last: pd.Period) -> pd.DataFrame:
    """List each customer's true chances to decide to close, as far as the accounts close in a stretch of months.

    Parameters
    ----------
    truth : Truth
        Its table ``months`` and its parameters of leaving.
    first, last : Period
        First and last month of the closing, both included.

    Returns
    -------
    DataFrame
        ``customer_id``, ``month`` (Period: of the decision), ``chance`` (to decide then and close in the stretch).
        Their sum is the expected number of customers who leave by their own choice, but for those whom the bank's
        first day found on the way out and for guests on a partner's account.
    """
    plan = truth.parameters["leaving"]
    delays = range(plan["delay"]["months_low"], plan["delay"]["months_high"] + 1)
    read = (first - max(delays)).start_time.date(), last.end_time.date()
    months = truth.table("months", columns=["customer_id", "month_on", "hazard_of_closing"], months=read)
    when = pd.PeriodIndex(months["month_on"], freq="M")
    window = range(first.ordinal, last.ordinal + 1)
    weights = _weights(when.asi8, [(leaves - delay, 1 / len(delays)) for leaves in window for delay in delays])
    chance = months["hazard_of_closing"].to_numpy(dtype=float) * weights
    found = pd.DataFrame({"customer_id": months["customer_id"], "month": when, "chance": chance})
    return found[found["chance"] > 0].reset_index(drop=True)


def _weights(numbers: np.ndarray, pairs: list[tuple[int, float]]) -> np.ndarray:
    """Give each row the sum of the weights of its month."""
    weights = pd.Series(dict.fromkeys((month for month, _ in pairs), 0.0), dtype=float)
    for month, weight in pairs:
        weights[month] += weight
    return weights.reindex(numbers, fill_value=0.0).to_numpy()


def _chance_to_die(truth: Truth, bank: Bank, months: pd.DataFrame, numbers: np.ndarray) -> np.ndarray:
    """Chance of each row to die in the month after it, by the planted law of Gompertz."""
    law = truth.parameters["life"]["mortality"]
    born = bank.frame("customers", ["customer_id", "birth_on"]).drop_duplicates("customer_id")
    born = pd.to_datetime(born.set_index("customer_id")["birth_on"])
    begins = pd.PeriodIndex.from_ordinals(numbers + 1, freq="M").to_timestamp()
    age = (begins - pd.DatetimeIndex(months["customer_id"].map(born))).days / _DAYS_A_YEAR
    age = pd.Series(np.asarray(age, dtype=float))
    return (law["level"] * np.exp(law["slope"] * age.fillna(age.median())) / 12).to_numpy()


def _given(people: pd.DataFrame, first: pd.Period, last: pd.Period) -> pd.Series:
    """Count whom the first day found on the way out, or silent, and who left in the stretch because of it."""
    left = pd.PeriodIndex(people["left_on"], freq="M")
    within = (left >= first) & (left <= last)
    return (within & (people["is_leaving"] | (people["is_dormant"] & (people["left_reason"] == "bank")))).astype(float)


def _with_partner(people: pd.DataFrame, expected: pd.Series, first: pd.Period) -> pd.Series:
    """Let guests leave when the partner does whose account they use."""
    partner = people["partner_customer_id"].dropna()
    guests = people["is_guest"] & ~(people["left_on"] < first.start_time)
    with_guest = partner[partner.isin(people.index[guests])]
    followed = pd.Series(expected.reindex(with_guest.index).to_numpy(), index=with_guest.to_numpy())
    return followed.groupby(level=0).sum().reindex(people.index, fill_value=0.0)
