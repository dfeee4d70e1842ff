"""Cohorts of joiners by age: who is still there, and how the young cohorts will go on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats import proportions

__all__ = ["cohort_triangle", "complete_triangle", "weighted_retention"]


def cohort_triangle(
    joined_on: pd.Series, left_on: pd.Series, *, first: object, last: object, step_months: int = 3
) -> pd.DataFrame:
    """Count who of each cohort of joiners is still there at each age.

    Parameters
    ----------
    joined_on, left_on : Series of datetime
        Indexed alike, one row a customer; `left_on` missing while there.
    first : date
        First day on which the bank is seen. Who joined before it is known only if still there then, so is left out.
    last : date
        Last day seen.
    step_months : int
        Months of a cohort and of a step of age: 1, 3, 12.

    Returns
    -------
    DataFrame
        One row a cohort and age: ``cohort`` (first day), ``age`` (steps since joining, from 0), ``customers_count``
        (of the cohort), ``there_count``, ``share`` with Wilson limits ``share_low``, ``share_high``; only ages that all
        customers of the cohort have reached. Cohorts without customers are left out.

    Notes
    -----
    Age counts from each customer's own day of joining, so that all of a cohort are equally old.

    Examples
    --------
    >>> joined = pd.Series(pd.to_datetime(["2024-01-10", "2024-02-01", "2024-04-05"]))
    >>> left = pd.Series(pd.to_datetime(["2024-05-01", None, None]))
    >>> found = cohort_triangle(joined, left, first="2024-01-01", last="2024-12-31")
    >>> found[["age", "customers_count", "there_count"]].values.tolist()
    [[0, 2, 2], [1, 2, 2], [2, 2, 1], [3, 2, 1], [0, 1, 1], [1, 1, 1], [2, 1, 1]]
    """
    if not (isinstance(step_months, int) and step_months >= 1):
        refuse(f"cohort_triangle: step_months is {step_months!r}. Give a whole number, 1 or more.")
    begin, end = pd.Timestamp(first), pd.Timestamp(last)
    joined, left = pd.to_datetime(joined_on), pd.to_datetime(left_on)
    inside = (joined >= begin) & (joined <= end)
    joined, left = joined[inside], left[inside]
    zero = begin.year * 12 + begin.month - 1
    number = (joined.dt.year * 12 + joined.dt.month - 1 - zero) // step_months
    rows = []
    for cohort in sorted(number.unique()):
        mine = number == cohort
        start = pd.Timestamp(year=(zero + cohort * step_months) // 12,
                             month=(zero + cohort * step_months) % 12 + 1, day=1)  # fmt: skip
        born, gone = joined[mine], left[mine]
        age = 0
        while (reached := born + pd.DateOffset(months=age * step_months)).max() <= end:
            there = gone.isna() | (gone > reached)
            rows.append((start, age, int(mine.sum()), int(there.sum())))
            age += 1
    frame = pd.DataFrame(rows, columns=["cohort", "age", "customers_count", "there_count"])
    limits = proportions(frame["there_count"], frame["customers_count"])
    return pd.concat([frame, limits[["share", "share_low", "share_high"]]], axis=1)


def weighted_retention(triangle: pd.DataFrame, *, level: float = 0.95) -> pd.DataFrame:
    """Pool cohorts: the share that stays from one age to the next, each cohort by its size, and the curve it makes.

    Returns
    -------
    DataFrame
        One row an age: ``age``, ``at_risk_count`` (there at the age before, in cohorts that have reached this age),
        ``stayed_count``, ``retention_share`` (from the age before), ``share`` (of joiners still there) with
        ``share_low``, ``share_high`` (Greenwood, log-log), ``cohorts_count``.

    Notes
    -----
    Averaging the shares of the cohorts at an age would mix old cohorts only at high ages (ragged columns); chaining
    steps uses every cohort as far as it goes. This is the chain ladder of insurers and the Kaplan-Meier of survival.

    Examples
    --------
    >>> rows = {"cohort": [1, 1, 2], "age": [0, 1, 0], "customers_count": [10, 10, 5], "there_count": [10, 8, 5]}
    >>> weighted_retention(pd.DataFrame(rows))[["age", "retention_share", "share"]].values.tolist()
    [[0.0, 1.0, 1.0], [1.0, 0.8, 0.8]]
    """
    before = triangle.assign(age=triangle["age"] + 1)[["cohort", "age", "there_count"]]
    pairs = triangle.merge(before, on=["cohort", "age"], suffixes=("", "_before"))
    start = triangle[triangle["age"] == 0]
    pooled = pairs.groupby("age", sort=True).agg(
        at_risk_count=("there_count_before", "sum"),
        stayed_count=("there_count", "sum"),
        cohorts_count=("cohort", "size"),
    )
    zero = pd.DataFrame(
        {"at_risk_count": [int(start["customers_count"].sum())], "stayed_count": [int(start["there_count"].sum())],
         "cohorts_count": [len(start)]}, index=pd.Index([0], name="age")
    )  # fmt: skip
    frame = pd.concat([zero, pooled]) if len(start) else pooled
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = (frame["stayed_count"] / frame["at_risk_count"]).to_numpy(float)
        share = np.cumprod(np.where(np.isfinite(kept), kept, np.nan))
        gone = (frame["at_risk_count"] - frame["stayed_count"]).to_numpy(float)
        spread = np.cumsum(gone / (frame["at_risk_count"] * frame["stayed_count"]).to_numpy(float))
        wide = norm.ppf((1 + level) / 2) * np.sqrt(spread) / np.abs(np.log(share))
        low, high = share ** np.exp(wide), share ** np.exp(-wide)
    flat = (share <= 0) | (share >= 1)
    frame = frame.assign(
        retention_share=kept,
        share=share,
        share_low=np.where(flat, share, low),
        share_high=np.where(flat, share, high),
    )
    columns = ["at_risk_count", "stayed_count", "retention_share", "share", "share_low", "share_high", "cohorts_count"]
    return frame[columns].rename_axis("age").reset_index()


def complete_triangle(
    triangle: pd.DataFrame, *, level: float = 0.95, draws: int = 4_000, seed: int = 1
) -> pd.DataFrame:
    """Say how many of each cohort will be there at ages not reached yet (chain ladder), with forecast intervals.

    Returns
    -------
    DataFrame
        `triangle` with the ages to come: further ``is_forecast``; for these ``there_count`` is the expected number,
        ``share`` of the cohort, and the limits are those within which the number will lie.

    Notes
    -----
    Each step keeps a binomial number of those there, with the pooled chance of that age; the chance is drawn from its
    Beta law (Jeffreys). So the limits hold chance and what is not known of the chances; not a change of the times
    (Mack 1993 lets factors vary more; with counts the binomial is the law they follow when nothing changes).

    References
    ----------
    Mack (1993), ASTIN Bulletin 23.

    Examples
    --------
    >>> rows = {"cohort": [1, 1, 2], "age": [0, 1, 0], "customers_count": [10, 10, 5], "there_count": [10, 8, 5]}
    >>> complete_triangle(pd.DataFrame(rows))[["cohort", "age", "there_count", "is_forecast"]].values.tolist()
    [[1, 0, 10.0, False], [1, 1, 8.0, False], [2, 0, 5.0, False], [2, 1, 4.0, True]]
    """
    pooled = weighted_retention(triangle).set_index("age")
    oldest = int(triangle["age"].max()) if len(triangle) else 0
    generator = np.random.default_rng(seed)
    risk, stayed = pooled["at_risk_count"], pooled["stayed_count"]
    chances = {
        age: generator.beta(stayed[age] + 0.5, risk[age] - stayed[age] + 0.5, size=draws)
        for age in range(1, oldest + 1)
        if age in pooled.index
    }
    tails = [(1 - level) / 2, (1 + level) / 2]
    rows = []
    for cohort, part in triangle.groupby("cohort", sort=True):
        last = part.sort_values("age").iloc[-1]
        size, expected = int(last["customers_count"]), float(last["there_count"])
        number = np.full(draws, int(last["there_count"]))
        for age in range(int(last["age"]) + 1, oldest + 1):
            expected *= float(pooled.loc[age, "retention_share"]) if age in chances else np.nan
            if age not in chances or not np.isfinite(expected):
                break
            number = generator.binomial(number, chances[age])
            low, high = np.quantile(number, tails)
            rows.append((cohort, age, size, expected, expected / size, min(low, expected) / size,
                         max(high, expected) / size))  # fmt: skip
    columns = ["cohort", "age", "customers_count", "there_count", "share", "share_low", "share_high"]
    coming = pd.DataFrame(rows, columns=columns).assign(is_forecast=True)
    seen = triangle.assign(is_forecast=False, there_count=triangle["there_count"].astype(float))
    both = pd.concat([seen, coming], ignore_index=True) if len(coming) else seen
    return both.sort_values(["cohort", "age"], kind="stable").reset_index(drop=True)
