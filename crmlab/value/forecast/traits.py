"""What is known of customers on a day that goes with leaving and with the margin to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

__all__ = ["PEERS", "TRAITS", "Traits", "read_traits"]

# features of `crmlab.snapshots` that are used where the bank has them
TRAITS = (
    "age_years", "tenure_days", "income_amount", "products_count", "closed_12m_count", "assets_amount",
    "assets_change_share", "recency_days", "frequency_3m_count", "frequency_12m_count", "in_3m_amount",
    "in_12m_amount", "is_salary_credited", "complaints_6m_count", "open_complaints_count", "logins_3m_count",
    "logins_12m_count",
)  # fmt: skip
_AGES = (30, 45, 60, 75)
_STATES = 4  # holds nothing; no own booking for three months; active; active and paid here
PEERS = _STATES * (len(_AGES) + 1) * 3
_MOST_STEPS = 6.0  # a trait counts at most so many standard deviations


@dataclass(frozen=True)
class Traits:
    """Traits of some customers on one day, as numbers.

    Parameters
    ----------
    place : ndarray of int
        Place of each customer in the panel.
    leaving : ndarray of float, shape (customers, traits)
        What goes with leaving; 0 where it is not known.
    peer : ndarray of int
        Number of the group of like customers: state, age band, third of income.
    income, is_paid_here, is_quiet, is_falling : ndarray of float
        Income a month over the median of all; a salary comes here; no own booking for three months; assets more than
        halved in three months. 0 or 1 but for the income.
    """

    place: np.ndarray
    leaving: np.ndarray
    peer: np.ndarray
    income: np.ndarray
    is_paid_here: np.ndarray
    is_quiet: np.ndarray
    is_falling: np.ndarray


def read_traits(frame: pd.DataFrame, customers: pd.Index, income_steps: tuple[float, float, float]) -> Traits:
    """Turn rows of a snapshot into the numbers that the forecast learns from.

    Parameters
    ----------
    frame : DataFrame
        Snapshot of one day, indexed by ``customer_id``, with those of `TRAITS` that the bank has.
    customers : Index
        Customers of the panel.
    income_steps : tuple of float
        Lower and upper third and median of income; from the day of the report, so that groups mean the same at each
        date.
    """
    place = customers.get_indexer(frame.index)
    order = np.argsort(place, kind="stable")[(place < 0).sum() :]
    frame, place = frame.iloc[order], place[order]

    def known(name: str, empty: float = 0.0) -> np.ndarray:
        if name not in frame:
            return np.full(len(frame), empty)
        values = frame[name].to_numpy(dtype=float)
        return np.where(np.isfinite(values), values, empty)

    lower, upper, median = income_steps
    income = known("income_amount", median)
    age, products = known("age_years", 45.0), known("products_count", 1.0)
    has_bookings = "frequency_3m_count" in frame
    quiet = (known("frequency_3m_count") == 0) & has_bookings
    paid, change = known("is_salary_credited") > 0, known("assets_change_share")
    state = np.where(products == 0, 0, np.where(quiet, 1, np.where(paid, 3, 2)))
    third = (income >= lower).astype(int) + (income >= upper)
    peer = (state * (len(_AGES) + 1) + np.digitize(age, _AGES)) * 3 + third
    pace = _pace(known("frequency_3m_count"), known("frequency_12m_count"))
    columns = [
        np.log1p(known("tenure_days") / 365.25), age / 10, age > 75, np.minimum(products, 6), products == 1,
        products == 0, np.log1p(np.maximum(known("assets_amount"), 0) / max(median, 1e-9)), np.clip(change, -1, 1),
        change < -0.5, np.log1p(known("recency_days", 400.0)), pace, np.log1p(known("frequency_3m_count")),
        known("complaints_6m_count") > 0, known("open_complaints_count") > 0, np.log1p(known("logins_3m_count")),
        _pace(known("logins_3m_count"), known("logins_12m_count")), paid, known("closed_12m_count") > 0,
        _pace(known("in_3m_amount"), known("in_12m_amount")),
    ]  # fmt: skip
    return Traits(
        place=place,
        leaving=np.column_stack([np.asarray(column, dtype=float) for column in columns]),
        peer=peer.astype(int),
        income=income / median if median > 0 else np.ones(len(frame)),
        is_paid_here=paid.astype(float),
        is_quiet=quiet.astype(float),
        is_falling=(change < -0.5).astype(float),
    )


def income_steps(frame: pd.DataFrame) -> tuple[float, float, float]:
    """Lower and upper third and median of income; ones where no income is known."""
    known = frame["income_amount"].dropna().to_numpy(dtype=float) if "income_amount" in frame else np.zeros(0)
    known = known[known > 0]
    if not len(known):
        return 1.0, 2.0, 1.0
    return float(np.quantile(known, 1 / 3)), float(np.quantile(known, 2 / 3)), float(np.median(known))


def scaled(leaving: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Traits in standard deviations from the mean of training, far ones pulled in."""
    return np.clip((leaving - middle) / spread, -_MOST_STEPS, _MOST_STEPS)


def _pace(last: np.ndarray, year: np.ndarray) -> np.ndarray:
    """Pace of the last three months over that of the year, 0 to 2; 1 where the year shows nothing."""
    return np.where(year > 0, np.clip(4 * last / np.maximum(year, 1e-9), 0, 2), 1.0)
