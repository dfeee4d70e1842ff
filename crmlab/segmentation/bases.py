"""One grouping of the customers beside the others: do segments by different bases say the same?"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from crmlab.segmentation.agreement import agreement
from crmlab.segmentation.behaviour import behaviour_on, learned
from crmlab.segmentation.latent_classes import LatentClasses
from crmlab.segmentation.needs_view import needs_on
from crmlab.segmentation.segments import Segments
from crmlab.segmentation.tiers import make_tiers
from crmlab.stats import Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["behaviour_groups", "beside_others", "crossed", "needs_groups", "wealth_tiers"]

_ALIKE = 0.2  # adjusted Rand from which two groupings share more than a trace


def wealth_tiers(seen: pd.DataFrame, *, currency: str) -> tuple[pd.Series | None, tuple[str, ...]]:
    """Give the tier by assets of each customer and the tiers' names, lowest first; None where assets are not known."""
    if "assets_amount" not in seen or not seen["assets_amount"].notna().any():
        return None, ()
    rule = make_tiers(seen["assets_amount"], currency=currency)
    return rule.of(seen["assets_amount"]), rule.names


def behaviour_groups(bank: Bank, *, seed: int = 1) -> pd.Series | None:
    """Give how each customer banks, in segments learned anew; None without bookings or without stable segments."""
    if not bank.has("transactions"):
        return None
    today = behaviour_on(bank)
    segments = learned(today, seed=seed)
    return today.groups(segments) if segments.k_ > 1 else None


def needs_groups(bank: Bank, *, seed: int = 1) -> pd.Series | None:
    """Give what each customer banks for, by latent classes learned anew; None without products or stable segments."""
    if not bank.has("accounts", "products"):
        return None
    today = needs_on(bank)
    segments = Segments(today.basis, method=LatentClasses(), most=5, seed=seed).fit(today.frame)
    return today.groups(segments) if segments.k_ > 1 else None


def beside_others(
    groups: pd.Series, others: Mapping[str, pd.Series | None], *, order: Sequence[str], seed: int = 1
) -> Evidence:
    """Compare segments with groupings by other bases.

    Parameters
    ----------
    groups : Series of str
        Segment of each customer.
    others : mapping of str to Series of str
        Name of a basis -> group of each customer by it; None where the bank cannot tell.
    order : sequence of str
        Names of the segments.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame, one row a basis: ``basis``, ``adjusted_rand`` (an Estimate; 1: the same grouping, 0: as by lot),
        ``customers_count``. Estimates: ``adjusted_rand_<basis>``.

    Examples
    --------
    >>> one = pd.Series(["a", "b"] * 20)
    >>> beside_others(one, {"colour": one.replace({"a": "red", "b": "blue"})}, order=["a", "b"]).title
    'Colour says almost the same: adjusted Rand 1.00'
    """
    known = {name: other for name, other in others.items() if other is not None and other.notna().any()}
    found = {
        name: agreement(groups, other, seed=seed, order=order, names=("Segments", name))["adjusted_rand"]
        for name, other in known.items()
    }
    found = {name: one for name, one in found.items() if math.isfinite(one.value)}
    frame = pd.DataFrame(
        [(name, one, one.n) for name, one in found.items()], columns=["basis", "adjusted_rand", "customers_count"]
    )
    if not found:
        title, reading = "No other basis is known", "This bank knows no other grouping to compare with."
    else:
        closest = max(found, key=lambda name: found[name].value)
        value = found[closest].value
        how = "almost the same" if value >= 0.8 else "partly the same" if value >= _ALIKE else "something else"
        subject = closest.capitalize() if value >= _ALIKE else "Every other basis"
        short = found[closest].short
        title = (
            f"{subject} says {how}: adjusted Rand {short}"
            if value >= _ALIKE
            else f"{subject} says {how}: adjusted Rand at most {short}"
        )
        each = "; ".join(f"{name} {one.short} ({one.interval})" for name, one in found.items())
        reading = (
            f"Agreement with other groupings, 1 for the same and 0 for none: {each}. "
            "Low agreement means that one basis cannot stand for the other."
        )
    return Evidence(
        frame,
        title=title,
        about=f"Adjusted Rand index of the segments and other groupings; {count_text(groups.notna().sum())} customers; "
        "bootstrap 95 % interval",
        reading=reading,
        estimates={f"adjusted_rand_{name.replace(' ', '_')}": one for name, one in found.items()},
    )


def crossed(
    groups: pd.Series, tiers: pd.Series | None, *, order: Sequence[str], tier_names: Sequence[str]
) -> Evidence | None:
    """Cross segments with tiers by assets; None where assets are not known. See `agreement`."""
    if tiers is None:
        return None
    names = ("Segments", "tiers by assets")
    return agreement(groups, tiers, order=order, other_order=tier_names, names=names)
