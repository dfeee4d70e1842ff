"""Is the chain the same at all times, and does the stage of today say all? Two classical tests, with the size of it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.lifecycle.chain.matrix import shares_of

__all__ = ["ChainTest", "homogeneity", "order_test"]


@dataclass(frozen=True)
class ChainTest:
    """Result of a test of a chain.

    Parameters
    ----------
    statistic : float
        Pearson's chi-square.
    degrees : int
        Degrees of freedom; 0 where nothing could be compared.
    p_value : float
        0 to 1; 1 where nothing could be compared.
    largest : float
        Largest difference of a share between the groups compared and all, in groups with 30 at risk or more; 0 to 1.
    where : str
        Where that is.
    """

    statistic: float
    degrees: int
    p_value: float
    largest: float
    where: str


def homogeneity(moves: pd.DataFrame, period: pd.Series) -> ChainTest:
    """Test whether customers move alike in all periods (Anderson and Goodman's chi-square).

    Parameters
    ----------
    moves : DataFrame
        As `crmlab.lifecycle.chain.moves.moves_between`.
    period : Series
        Period of each row, same index, such as the year.

    Notes
    -----
    For each starting stage, the table period x next stage against independence; the statistics and degrees of freedom
    add up. With many rows a difference of no weight is significant: read `largest` first. The test takes the months of
    a customer as independent given the stage; customers differ, so p-values are rather too small.

    References
    ----------
    Anderson and Goodman (1957), Annals of Mathematical Statistics 28.

    Examples
    --------
    >>> moves = pd.DataFrame({"from": "a", "to": ["a"] * 30 + ["b"] * 10 + ["a"] * 10 + ["b"] * 30})
    >>> found = homogeneity(moves, pd.Series([1] * 40 + [2] * 40))
    >>> round(found.statistic, 6), found.degrees, found.largest
    (20.0, 1, 0.25)
    """
    return _compare(moves, period)


def order_test(stages: pd.DataFrame) -> ChainTest:
    """Test whether the stage of the month before says more about the next than the stage of today (second order).

    Parameters
    ----------
    stages : DataFrame
        As `crmlab.lifecycle.stages.on_dates.stages_on` for consecutive month-ends.

    Notes
    -----
    For each stage of today, the table stage before x next stage against independence (first order). Stages with a clock
    (onboarding, dwell) are not first order by their making, so a large statistic is no surprise; `largest` says how far
    a share can be off.
    """
    wide = stages.sort_values(["customer_id", "as_of"], kind="stable")
    again = wide.groupby("customer_id", sort=False)["stage"]
    rows = pd.DataFrame({"before": again.shift(1), "from": wide["stage"], "to": again.shift(-1)})
    rows = rows[rows["before"].notna() & rows["to"].notna() & (rows["from"] != "lost")]
    return _compare(rows[["from", "to"]], "from " + rows["before"].astype("str"))


def _compare(moves: pd.DataFrame, group: pd.Series) -> ChainTest:
    statistic, degrees, largest, where = 0.0, 0, 0.0, ""
    for start, part in moves.groupby("from", sort=True):
        table = pd.crosstab(group.loc[part.index], part["to"])
        if min(table.shape) < 2:
            continue
        counts = table.to_numpy(float)
        rows, columns = counts.sum(axis=1, keepdims=True), counts.sum(axis=0, keepdims=True)
        expected = rows @ columns / counts.sum()
        statistic += float(((counts - expected) ** 2 / expected).sum())
        degrees += (table.shape[0] - 1) * (table.shape[1] - 1)
        apart = np.where(rows >= 30, np.abs(shares_of(counts) - columns / counts.sum()), 0.0)
        if apart.max() > largest:
            at = np.unravel_index(int(apart.argmax()), apart.shape)
            largest, where = float(apart.max()), _where(start, table.columns[at[1]], table.index[at[0]])
    p_value = float(laws.chi2.sf(statistic, degrees)) if degrees else 1.0
    return ChainTest(statistic, degrees, p_value, largest, where)


def _where(start: Hashable, end: Hashable, group: Hashable) -> str:
    return f"{start} to {end}, {group}" if start != end else f"staying in {start}, {group}"
