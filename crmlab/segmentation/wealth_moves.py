"""How customers move between tiers of wealth, and how much yield goes with the moves."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.migration import migration, worth_between
from crmlab.segmentation.tiers import Tiering
from crmlab.stats import Evidence, proportion

__all__ = ["moves", "worth"]

_YEAR_DAYS = 365


def moves(before: pd.DataFrame, after: pd.DataFrame, rule: Tiering) -> Evidence:
    """Follow customers from their tier at one date to their tier a year later, by the same thresholds.

    Parameters
    ----------
    before, after : DataFrame
        Snapshots with ``assets_amount``, indexed by ``customer_id``.
    rule : Tiering
        The tiers. Made once, so that a customer moves by his own assets and not by those of others.

    Returns
    -------
    Evidence
        Frame as `crmlab.stats.transitions`, with ``left`` as a further end where somebody left. Estimates:
        ``stayed_share``, ``rose_share``, ``fell_share``, ``left_share``.

    Notes
    -----
    The amounts are nominal: inflation lifts customers over fixed thresholds. Who joined in between is not in the table.
    """
    start = rule.of(before["assets_amount"])
    end = rule.of(after["assets_amount"])
    if "accounts_count" in after:  # who came since and owns no account is in no tier; who closed all is still here
        end = end[end.index.isin(start.index) | (after["accounts_count"] > 0)]
    found = migration(start, end, order=rule.names, group="tier")
    counts = found.frame["customers_count"]
    if counts.sum() < SMALLEST_GROUP:
        return found
    place = {name: i for i, name in enumerate(rule.names)}
    step = found.frame["to"].map(place) - found.frame["from"].map(place)
    n = int(counts.sum())
    stayed, left = found["stayed_share"], found["left_share"]
    rose, fell = (proportion(int(counts[rows].sum()), n) for rows in (step > 0, step < 0))
    said = f"{rose.short} rose ({rose.interval}) and {fell.short} fell ({fell.interval})."
    days = before["tenure_days"].reindex(start.dropna().index).median() if "tenure_days" in before else _YEAR_DAYS
    if days < _YEAR_DAYS:
        said += " " + (
            f"Half of them had joined within {days:.0f} days before the earlier date, so much of the rise is the "
            "filling of new accounts."
        )
    return Evidence(
        found.frame,
        title=f"{stayed.short} stayed in their tier, {rose.short} rose, {fell.short} fell",
        about=found.about.replace("; Wilson", "; same thresholds; Wilson"),
        reading=f"{found.reading} {said}",
        estimates={"stayed_share": stayed, "rose_share": rose, "fell_share": fell, "left_share": left},
    )


def worth(before: pd.DataFrame, after: pd.DataFrame, rule: Tiering) -> Evidence:
    """Say which moves between tiers go with more or less yield than staying does.

    Parameters
    ----------
    before, after : DataFrame
        Snapshots with ``assets_amount`` and ``margin_12m_amount``, a year apart, indexed by ``customer_id``. Where
        ``tenure_days`` is known, customers of less than a year at the earlier date are left out: their first year was
        not a whole one.
    rule : Tiering
        The tiers, as in `moves`.

    Returns
    -------
    Evidence
        As `crmlab.segmentation.migration.worth_of_moves`.

    Notes
    -----
    The margin is a share of the balances that make the tier, so that money and yield move together is by construction.
    What is learned is how much yield each way is, and whether the movers are many.
    """
    was, now = rule.of(before["assets_amount"]), rule.of(after["assets_amount"])
    found = worth_between(was, now, before, after, currency=rule.currency, order=rule.names, group="tier")
    made = " Assets make both tier and margin, so part of it holds by construction." if len(found.frame) else ""
    return replace(found, reading=found.reading + made)
