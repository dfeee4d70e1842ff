"""Columns of a panel that know more than they could have known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crmlab.churn.learning.preparation import feature_names
from crmlab.errors import nearest, refuse
from crmlab.stats.evidence import Evidence
from crmlab.stats.leaks import known_late, leak_report, time_travel, too_good
from crmlab.stats.time_splits import shuffled_folds

__all__ = ["leaking_columns", "suspects"]

_LATE_KINDS = ("known late", "time travel")


def suspects(
    panel: pd.DataFrame,
    *,
    outcome: str = "left",
    features: Sequence[str] | None = None,
    known_on: pd.DataFrame | None = None,
    then: pd.DataFrame | None = None,
    now: pd.DataFrame | None = None,
    most_cells: int = 1_000_000,
    seed: int = 1,
) -> Evidence:
    """Look for columns that tell the outcome better than a cause could, or were written after their date.

    Parameters
    ----------
    panel : DataFrame
        ``customer_id``, ``as_of`` where there are dates, features, and the outcome (0 or 1). Not changed.
    outcome, features
        As in `backtest`.
    known_on : DataFrame, optional
        As in `crmlab.stats.known_late`, rows as in the panel, which then needs ``as_of``.
    then, now : DataFrame, optional
        As in `crmlab.stats.time_travel`; both or none.
    most_cells : int
        Rows times columns that are looked at. Rows beyond are drawn by lot, of customers, half of them with the event
        where there are as many: an AUC does not depend on how many of each there are.
    seed : int
        Same seed, same draw.

    Returns
    -------
    Evidence
        As `crmlab.stats.leak_report`: ``column``, ``kind``, ``value``, ``limit``, ``is_alarm``, ``reading``.

    Notes
    -----
    A suspicion, not a proof, unless the kind is ``known late`` or ``time travel``. With fewer than 10 events nothing is
    told. An honest column that is by far the strongest of few is suspected too: see `crmlab.stats.too_good`.

    Examples
    --------
    >>> told = [0, 1] * 100
    >>> panel = pd.DataFrame({"customer_id": range(200), "closing_form": told, "x": [1, 1, 2, 2] * 50, "left": told})
    >>> found = suspects(panel)
    >>> found.title, leaking_columns(found)
    ('1 of 2 columns knows more than possible', ['closing_form'])
    """
    names = feature_names(panel, outcome=outcome) if features is None else list(features)
    lacks = [name for name in ("customer_id", outcome, *names) if name not in panel.columns]
    refuse(
        *(f"suspects: the panel lacks column {n!r}.{nearest(n, panel.columns)} Give it." for n in lacks),
        *(["suspects: then and now go together. Give both or none."] * ((then is None) != (now is None))),
        *(["suspects: known_on needs the panel's as_of. Date every row."]
          * (known_on is not None and "as_of" not in panel.columns)),
    )  # fmt: skip
    drawn = panel[_drawn(panel, outcome, max(most_cells // max(len(names), 1), 1_000), seed)]
    parts = [too_good(drawn[names], drawn[outcome], customers=drawn["customer_id"], seed=seed)]
    parts += [known_late(known_on, panel["as_of"])] if known_on is not None else []
    parts += [time_travel(then, now)] if then is not None and now is not None else []
    return leak_report(parts)


def _drawn(panel: pd.DataFrame, outcome: str, most: int, seed: int) -> np.ndarray:
    """Mark the rows to look at: about so many, those with the event first."""
    if len(panel) <= most:
        return np.ones(len(panel), dtype=bool)
    event = panel[outcome].to_numpy() == 1
    kept = np.zeros(len(panel), dtype=bool)
    for side in (event, ~event):
        room = most // 2 if side is event else most - int(kept.sum())
        shares = int(np.ceil(side.sum() / max(room, 1)))
        places = np.flatnonzero(side)
        if shares > 1:
            places = places[shuffled_folds(panel["customer_id"].iloc[places], folds=shares, seed=seed) == 0]
        kept[places] = True
    return kept


def leaking_columns(found: Evidence) -> list[str]:
    """Name the columns with an alarm, proofs first.

    Examples
    --------
    >>> leaking_columns(leak_report([]))
    []
    """
    alarms = found.frame[found.frame["is_alarm"] & ~found.frame["column"].str.startswith("(")]
    order = alarms.assign(late=~alarms["kind"].isin(_LATE_KINDS)).sort_values("late", kind="stable")
    return list(dict.fromkeys(order["column"]))
