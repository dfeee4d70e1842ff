"""The card of a segment: its size, rule and facts, what to do, and what to measure, in short lines."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from crmlab.segmentation.facts import span
from crmlab.segmentation.profiles import short_name
from crmlab.stats import Estimate, Evidence, share_text

__all__ = ["cards"]

_LABEL, _TEXT, _RULE, _TITLE = 18, 60, 180, 70
_WHOLE = 0.1  # larger shares are written in whole per cent: a card is narrow
# always on a card where known; the others by how much they part the segments
_FIRST = ("yield", "yield_share", "assets", "products", "held", "channel", "satisfaction", "left")
_DO = {"product": "Offer", "also": "Also", "channel": "Talk by", "service": "Service"}


def cards(
    facts: Evidence,
    treatments: Evidence,
    rules: Mapping[str, str],
    *,
    order: Sequence[str],
    lines: int = 9,
) -> Evidence:
    """Put what is known of each segment on a card.

    Parameters
    ----------
    facts : Evidence
        What `crmlab.segmentation.facts.segment_facts` found.
    treatments : Evidence
        What `crmlab.segmentation.treatment.treatments` found.
    rules : mapping of str to str
        Plain rule of each segment; a segment without one has no such line.
    order : sequence of str
        Segments, in the order of the cards.
    lines : int
        Facts on a card; the same on all cards, so that they can be compared.

    Returns
    -------
    Evidence
        Frame, one row a segment and line: ``segment``, ``part`` (``size``, ``rule``, ``fact``, ``do``, ``measure``),
        ``label`` (up to 18 characters), ``text`` (up to 60, a rule up to 180) and ``against`` (difference from all
        customers in standard deviations, NaN where there is none). The value of all customers is not written: the
        distance from it is what the card draws.

    Notes
    -----
    Yield, assets, products, the family held above all (or else most held), main channel, satisfaction and leaving are
    always there where known. The other lines are the facts that part the segments most: the largest mean distance from
    all customers.

    Examples
    --------
    >>> from crmlab.segmentation.facts import segment_facts
    >>> from crmlab.segmentation.treatment import treatments
    >>> seen = pd.DataFrame({"products_count": [1.0, 2.0] * 10})
    >>> group = pd.Series(["all"] * 20)
    >>> told, done = (make(seen, group, order=["all"]) for make in (segment_facts, treatments))
    >>> found = cards(told, done, {"all": "every customer"}, order=["all"]).frame
    >>> found[["part", "label", "text"]].values.tolist()[:3]  # doctest: +NORMALIZE_WHITESPACE
    [['size', 'Customers', '20, 100.0 % (83.9 to 100.0)'], ['rule', 'Rule', 'every customer'],
     ['fact', 'Products, mean', '1.5 products (1.3 to 1.7)']]
    """
    told = facts.frame.assign(fact=facts.frame["fact"].astype("str"))
    shown = _shown(told, lines)
    parts = []
    for segment in order:
        own = told[told["segment"] == segment].set_index("fact")
        size = own.loc["size"]
        parts.append((segment, "size", size["label"], size["text"], np.nan))
        if rules.get(segment):
            rule = textwrap.shorten(rules[segment], _RULE, placeholder=" …")
            parts.append((segment, "rule", "Rule", rule, np.nan))
        for fact in shown:
            fact = "above" if fact == "held" and "above" in own.index else fact
            if fact in own.index:
                row = own.loc[fact]
                parts.append((segment, "fact", row["label"], _told(row), row["against"]))
        done = treatments.frame[treatments.frame["segment"] == segment].iloc[0]
        if done["rule"]:
            parts += [(segment, "do", label, done[name], np.nan) for name, label in _DO.items() if done[name]]
            parts.append((segment, "measure", "", done["measure"], np.nan))
        else:
            parts.append((segment, "do", "Service", done["service"], np.nan))
    frame = pd.DataFrame(parts, columns=["segment", "part", "label", "text", "against"])
    frame = frame.assign(
        label=frame["label"].map(lambda text: short_name(text, _LABEL)).astype("str"),
        text=[
            short_name(t, _RULE if p == "rule" else _TEXT) for p, t in zip(frame["part"], frame["text"], strict=True)
        ],
        against=frame["against"].astype(float),
    )
    return Evidence(
        frame,
        title=_title(told, facts.title),
        about=facts.about,
        reading=" ".join(text for text in (facts.reading, treatments.reading) if text),
    )


def _told(row: pd.Series) -> str:
    """Write a fact with its interval; with its n where only some of the segment are behind it."""
    low, high = (None if np.isnan(row[name]) else row[name] for name in ("low", "high"))
    text = span(Estimate(row["value"], row["unit"], low, high))
    if row["unit"] == "share" and row["value"] >= _WHOLE and low is not None:
        text = f"{100 * row['value']:.0f} % ({100 * low:.0f} to {100 * high:.0f})"
    name = row["what"].replace("_", " ")
    return f"{name} {text}".strip() + (f", n = {row['n']:,}" if row.name == "satisfaction" else "")


def _shown(told: pd.DataFrame, lines: int) -> list[str]:
    """Choose the facts of all cards, in the order of the table of facts."""
    known = told[~told["fact"].isin(["size", "above"])]
    apart = known["against"].abs().groupby(known["fact"], sort=False).mean().round(6)
    first = [fact for fact in _FIRST if fact in apart.index]
    rest = [fact for fact in apart.sort_values(ascending=False, kind="stable").index if fact not in first]
    chosen = {*first, *rest[: max(lines - len(first), 0)]}
    return [fact for fact in dict.fromkeys(known["fact"]) if fact in chosen]


def _title(told: pd.DataFrame, otherwise: str) -> str:
    """Name the segment that yields most beside its size."""
    yields = told[told["fact"] == "yield"]
    sizes = told[told["fact"] == "size"].set_index("segment")["value"]
    shares = told[told["fact"] == "yield_share"].set_index("segment")["value"]
    if len(yields) < 2 or shares.empty:
        return otherwise
    top = yields.loc[yields["value"].idxmax(), "segment"]
    title = f"{top}: {share_text(sizes[top])} of customers, {share_text(shares[top])} of the yield"
    return short_name(title, _TITLE)
