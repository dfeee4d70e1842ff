"""Wealth potential: what customers might hold here, judged by peers of like income and age."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.people import income_of
from crmlab.segmentation.tiers import Tiering
from crmlab.stats import Estimate, Evidence, amount_text, bootstrap, count_text, proportion, replicates

__all__ = ["peers_of", "potential", "rank_link"]

_AGES = (0, 30, 40, 50, 60, 70, 200)
_INCOME_GROUPS = 5
_SMALLEST_PEERS = 30


def rank_link(income: pd.Series, assets: pd.Series, *, seed: int = 1) -> Estimate:
    """Estimate the rank correlation (Spearman) of income and assets.

    Parameters
    ----------
    income, assets : Series of float
        The same customers; rows with a gap are left out.
    seed : int
        Of the bootstrap.

    Notes
    -----
    The interval resamples customers with the ranks of the full sample.

    Examples
    --------
    >>> rank_link(pd.Series([1.0, 2, 3, 4, 5]), pd.Series([10.0, 20, 25, 40, 90])).value
    1.0
    """
    known = income.notna() & assets.notna()
    ranks = np.column_stack([income[known].rank(), assets[known].rank()])

    def correlation(rows: np.ndarray, weights: np.ndarray) -> float:
        centred = rows - np.average(rows, axis=0, weights=weights)
        xy, xx, yy = (np.dot(weights, centred[:, i] * centred[:, j]) for i, j in ((0, 1), (0, 0), (1, 1)))
        return round(float(xy / np.sqrt(xx * yy)), 12) if xx > 0 and yy > 0 else float("nan")

    return bootstrap(correlation, ranks, unit="index", resamples=500, seed=seed)


def potential(seen: pd.DataFrame, rule: Tiering, *, peer_quantile: float = 0.75, seed: int = 1) -> Evidence:
    """Estimate the assets that customers might hold here beyond those they hold.

    Parameters
    ----------
    seen : DataFrame
        Snapshot with ``assets_amount``, an income (see `income_of`) and, where known, ``age_years``.
    rule : Tiering
        Tiers by assets.
    peer_quantile : float
        Level of peers taken as reachable, above 0 and below 1: 0.75 is what a quarter of the peers hold or exceed.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame, one row an income fifth and series: ``income_group``, ``income_from_amount``, ``customers_count``,
        ``series`` (what the middle customer holds, the level of peers), ``amount``, ``amount_low``, ``amount_high``.
        ``frame.attrs["tiers"]`` is the headroom by asset tier. Estimates: ``income_link``; where it is clearly positive
        also ``headroom_cautious`` (to the peers' median), ``headroom_upper`` (to their quantile), ``hidden_count`` and
        ``hidden_share``.

    Notes
    -----
    Peers are customers of the same income fifth and age band (six bands), or of the same fifth only where fewer than
    30 are alike. Headroom is the level of the peers' assets held here less one's own, never below 0. It assumes that
    customers of like income and age own about the same in all banks together, so that who holds less here holds it
    elsewhere. A spender has nothing elsewhere: the sum is a guide, and differences between groups tell more than its
    level. With no clear link of income and assets it would be an artefact and is not given. Hidden are customers of the
    highest income fifth who hold less than half of their peers' median.
    """
    income, source = income_of(seen)
    known = income.notna() & seen["assets_amount"].notna()
    held, earned = seen.loc[known, "assets_amount"], income[known]
    link = rank_link(earned, held, seed=seed)
    about = f"{count_text(len(held))} customers with known income ({source})"
    if len(held) < _INCOME_GROUPS * SMALLEST_GROUP:
        few = "Too few customers with a known income to set beside peers"
        needed = f"Each fifth of the incomes needs {SMALLEST_GROUP} customers to be shown."
        return Evidence(pd.DataFrame(), few, about, needed)
    if not (link.low is not None and link.low > 0):
        return Evidence(
            pd.DataFrame(),
            title="Income says nothing about assets here",
            about=about,
            reading=f"The rank correlation of income ({source}) and assets is {link.text}: income says nothing sure "
            "about assets in these data. A potential judged by income would be an artefact, so none is given.",
            estimates={"income_link": link},
        )
    headroom, group = _headroom_of(seen, peer_quantile)
    once = np.ones(len(held), dtype=int)
    point = headroom(headroom.rows, once)
    drawn = replicates(headroom, headroom.rows, resamples=300, seed=seed)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    cautious, upper = (
        Estimate(float(point[i]), rule.currency, float(low[i]), float(high[i]), len(held), "bootstrap, 300 resamples")
        for i in (0, 1)
    )
    peers = _beside_peers(headroom, group)
    top, hidden, room = group == group.max(), peers["is_hidden"], peers["room_amount"]
    share = proportion(int(hidden.sum()), int(top.sum()))
    frame = _by_fifth(headroom, group, earned, point, low, high)
    tier = rule.of(held)
    sums = room.groupby(tier).agg(["sum", "size"]).reindex(rule.names, fill_value=0.0)
    frame.attrs["tiers"] = pd.DataFrame(
        {
            "tier": rule.names,
            "customers_count": sums["size"].astype(int).to_numpy(),
            "headroom_amount": sums["sum"].to_numpy(),
            "headroom_a_customer_amount": (sums["sum"] / sums["size"].where(sums["size"] > 0)).to_numpy(),
        }
    )
    told = (
        f"{count_text(hidden.sum())} customers, {share.text} of the highest income fifth, hold less than half of their "
        "peers' median."
        if hidden.sum() >= SMALLEST_GROUP
        else f"Fewer than {SMALLEST_GROUP} of the highest income fifth hold less than half of their peers' median."
    )
    counted = {"hidden_count": Estimate(float(hidden.sum()), "count"), "hidden_share": share}
    part = f"{100 * (1 - peer_quantile):.0f} % of peers"
    return Evidence(
        frame,
        title=f"Cautious headroom {cautious.short}, beside {amount_text(held.sum(), rule.currency)} held",
        about=f"Assets held here by income fifth, {rule.currency} a customer; median, and mean level that {part} "
        f"reach; {about}; 95 % bootstrap interval",
        reading=f"Customers who hold less here than the middle of their peers lack {cautious.text} together; up to the "
        f"level that {part} reach it is {upper.short} ({upper.interval}). They hold "
        f"{amount_text(held.sum(), rule.currency)} now. {told}",
        estimates={
            "income_link": link,
            "headroom_cautious": cautious,
            "headroom_upper": upper,
        }
        | (counted if hidden.sum() >= SMALLEST_GROUP else {}),
    )


def peers_of(seen: pd.DataFrame) -> pd.DataFrame:
    """Set each customer beside peers of like income and age, as `potential` does.

    Parameters
    ----------
    seen : DataFrame
        As in `potential`; customers whose income or assets are not known are left out.

    Returns
    -------
    DataFrame
        Indexed by ``customer_id``: ``income_group`` (fifth, 1 lowest), ``assets_amount``, ``peers_amount`` (median of
        the peers), ``room_amount`` (up to it, 0 or more) and ``is_hidden`` (highest fifth, under half of the peers).

    Notes
    -----
    Give the list to nobody where `potential` finds no clear link of income and assets.

    Examples
    --------
    >>> seen = pd.DataFrame({"assets_amount": [10.0, 90, 100, 110, 120], "income_amount": [5_000.0] * 5})
    >>> peers_of(seen)[["peers_amount", "room_amount", "is_hidden"]].values.tolist()[:2]
    [[100.0, 90.0, True], [100.0, 10.0, False]]
    """
    return _beside_peers(*_headroom_of(seen, 0.5))


def _headroom_of(seen: pd.DataFrame, quantile: float) -> tuple[_Headroom, pd.Series]:
    """Sum up the room of everybody whose income and assets are known, and number their income fifths."""
    income, _ = income_of(seen)
    known = income.notna() & seen["assets_amount"].notna()
    group = _fifths(income[known])
    cell = _cells(group, seen.loc[known, "age_years"] if "age_years" in seen else None)
    return _Headroom(seen.loc[known, "assets_amount"].to_numpy(), group.to_numpy(), cell, quantile), group


def _beside_peers(headroom: _Headroom, group: pd.Series) -> pd.DataFrame:
    held = headroom.rows
    middle = headroom.level(np.ones(len(held), dtype=int), 0.5) if len(held) else held
    columns = {
        "income_group": group,
        "assets_amount": held,
        "peers_amount": middle,
        "room_amount": np.maximum(middle - held, 0),
        "is_hidden": (group == group.max()) & (held < 0.5 * middle),
    }
    return pd.DataFrame(columns, index=group.index)


def _fifths(earned: pd.Series) -> pd.Series:
    """Number income fifths from 1; equal incomes stay together."""
    if not len(earned):
        return pd.Series(0, index=earned.index)
    edges = np.unique(np.quantile(earned, np.linspace(0, 1, _INCOME_GROUPS + 1)[1:-1]))
    return pd.Series(np.searchsorted(edges, earned, side="right") + 1, index=earned.index)


def _cells(group: pd.Series, age: pd.Series | None) -> np.ndarray:
    """Number the groups of peers from 0."""
    names = group.astype("str")
    if age is not None:
        band = pd.cut(age, _AGES, right=False, labels=False)
        fine = names + ":" + band.astype("str")
        names = fine.where(fine.map(fine.value_counts()) >= _SMALLEST_PEERS, names)
    return pd.factorize(names, sort=True)[0]


class _Headroom:
    """Under row weights: headroom to the peers' median and to their quantile, then by income fifth the median held and
    the mean of the peers' quantile."""

    def __init__(self, held: np.ndarray, group: np.ndarray, cell: np.ndarray, quantile: float) -> None:
        self.rows, self.quantile, self.cell = held, quantile, cell
        self.groups = np.unique(group)
        self.by_group = [_sorted_rows(held, group == g) for g in self.groups]
        self.by_cell = [_sorted_rows(held, cell == c) for c in range(cell.max(initial=-1) + 1)]

    def level(self, weights: np.ndarray, quantile: float) -> np.ndarray:
        """Give each row the quantile of its peers."""
        levels = np.array([_quantile(self.rows, rows, weights, quantile) for rows in self.by_cell])
        return levels[self.cell]

    def __call__(self, held: np.ndarray, weights: np.ndarray) -> np.ndarray:
        middle, reach = self.level(weights, 0.5), self.level(weights, self.quantile)
        sums = [np.dot(weights, np.maximum(level - held, 0)) for level in (middle, reach)]
        medians = [_quantile(held, rows, weights, 0.5) for rows in self.by_group]
        means = [np.average(reach[r], weights=weights[r]) if weights[r].sum() else 0.0 for r in self.by_group]
        return np.array([*sums, *medians, *means])


def _sorted_rows(held: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(chosen)
    return rows[np.argsort(held[rows], kind="stable")]


def _quantile(held: np.ndarray, rows: np.ndarray, weights: np.ndarray, q: float) -> float:
    """Give the smallest value at or below which a share q of the weight lies."""
    reached = np.cumsum(weights[rows])
    if not len(rows) or reached[-1] == 0:
        return 0.0
    return float(held[rows[np.searchsorted(reached, q * reached[-1])]])


def _by_fifth(
    headroom: _Headroom, group: pd.Series, earned: pd.Series, point: np.ndarray, low: np.ndarray, high: np.ndarray
) -> pd.DataFrame:
    size = len(headroom.groups)
    start, count = earned.groupby(group).min(), group.value_counts()
    rows = []
    for series, shift in (("median held here", 2), ("upper level of peers", 2 + size)):
        for i, number in enumerate(headroom.groups):
            k = shift + i
            rows.append(
                (f"{number}. fifth", float(start[number]), int(count[number]), series, point[k], low[k], high[k])
            )
    names = ["income_group", "income_from_amount", "customers_count", "series", "amount", "amount_low", "amount_high"]
    return pd.DataFrame(rows, columns=names)
