"""What a card says of a segment beside its rule: size, yield, products, channels, satisfaction, leaving."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.bank.tables import CHANNELS, FAMILIES
from crmlab.segmentation.contrasts import contrast, in_segments, mean_of, numbers, prepared
from crmlab.segmentation.outcomes import leaving, satisfaction_of
from crmlab.stats import Estimate, Evidence, amount_text, count_text, median, proportion, replicates, share_text

__all__ = ["leaving", "satisfaction_of", "segment_facts", "short", "span"]

_RESAMPLES = 500
_ABOVE = 1.2  # how much more often than all a segment must hold a family for the card to name it
_EVERYBODY = 0.95  # a family held by more tells nothing
_COLUMNS = ["segment", "fact", "what", "label", "unit", "value", "low", "high", "n", "all_value", "against", "p_value",
            "text"]  # fmt: skip


@dataclass(frozen=True)
class _Quantity:
    """A number of each customer and how a segment's is told: median, mean or share."""

    fact: str
    label: str
    kind: str
    values: Callable[[pd.DataFrame], pd.Series]
    needs: str
    unit: str = ""


_QUANTITIES = (
    _Quantity("assets", "Assets, median", "amount", lambda s: s["assets_amount"], "assets_amount"),
    _Quantity("products", "Products, mean", "count", lambda s: s["products_count"], "products_count", "products"),
    _Quantity("active", "Active, 3 months", "flag", lambda s: s["frequency_3m_count"] > 0, "frequency_3m_count"),
    _Quantity("source_active", "Active, see source", "flag", lambda s: s["is_active"], "is_active"),
    _Quantity("salary", "Salary comes here", "flag", lambda s: s["is_salary_credited"], "is_salary_credited"),
    _Quantity("digital", "Login, 3 months", "flag", lambda s: s["logins_3m_count"] > 0, "logins_3m_count"),
    _Quantity("complaints", "Complaint, 1 year", "flag", lambda s: s["complaints_12m_count"] > 0,
              "complaints_12m_count"),
    _Quantity("age", "Age, median", "number", lambda s: s["age_years"], "age_years", "years"),
)  # fmt: skip
_LABELS = {one.fact: one.label for one in _QUANTITIES} | {
    "yield": "Yield a year",
    "yield_share": "Share of yield",
    "held": "Most held",
    "above": "Held above all",
    "channel": "Acts mostly by",
    "satisfaction": "Satisfaction",
    "left": "Left since",
}
# the order of a card
_ORDER = ("size", "yield", "yield_share", "assets", "products", "held", "above", "channel", "digital", "active",
          "source_active", "salary", "satisfaction", "complaints", "left", "age")  # fmt: skip


def segment_facts(
    seen: pd.DataFrame,
    segments: pd.Series,
    *,
    order: Sequence[str],
    currency: str = "",
    satisfaction: pd.Series | None = None,
    left: pd.DataFrame | None = None,
    seed: int = 1,
) -> Evidence:
    """Describe each segment by what the bank knows of its customers.

    Parameters
    ----------
    seen : DataFrame
        Snapshot; what it lacks is left out and named in the reading.
    segments : Series of str
        Segment of each customer; customers without one are left out.
    order : sequence of str
        Segments, in the order of the rows.
    currency : str
        Currency code of the amounts.
    satisfaction : Series of float, optional
        0 to 100, of the customers who answered; see `satisfaction_of`.
    left : DataFrame, optional
        What `leaving` found.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Evidence
        Frame, one row a segment and fact known: ``segment``, ``fact`` (``size``, ``yield``, ``yield_share``,
        ``assets``, ``products``, ``held``, ``above``, ``channel``, ``digital``, ``active``, ``source_active``,
        ``salary``, ``satisfaction``, ``complaints``, ``left``, ``age``), ``what`` (the family or channel meant),
        ``label`` (up to 18 characters), ``unit``, ``value``, ``low``, ``high`` (95 %), ``n``, ``all_value``,
        ``against`` (difference from all customers in standard deviations), ``p_value`` (of this difference, one
        comparison) and ``text`` (up to 60 characters).

    Notes
    -----
    Medians with order statistics; shares with Wilson's interval; means of counts, shares and satisfaction with
    Student's; yield with a bootstrap of customers, 500 resamples. The yield is the mean of ``margin_12m_amount``. The
    main channel is the one with the largest mean share of the customers' own acts, each customer counted once.
    ``held`` leaves out families that nearly everybody has; ``above`` is the family held more often than by all
    customers by the largest ratio, at least 1.2, for sure. Groups under 10 have their size only.
    """
    order = list(order)
    rows, code = in_segments(seen, segments, order=order)
    k, total = len(order), len(rows)
    sizes = np.bincount(code, minlength=k)
    found = [_size(order[i], int(sizes[i]), total) for i in range(k)]
    if "margin_12m_amount" in rows and rows["margin_12m_amount"].notna().any():
        found += _yields(numbers(rows["margin_12m_amount"]), code, order, currency, seed)
    quantities = [q for q in _QUANTITIES if q.needs in rows and rows[q.needs].notna().any()]
    for quantity in quantities:
        unit = currency if quantity.kind == "amount" else quantity.unit
        known = rows[quantity.needs].notna()
        values = numbers(quantity.values(rows).where(known))
        found += _told(quantity.fact, values, quantity.kind, unit, code, order)
    found += _families(rows, code, order) + _channels(rows, code, order)
    if satisfaction is not None and satisfaction.notna().any():
        answers = numbers(satisfaction.reindex(rows.index))
        found += _told("satisfaction", answers, "index", "", code, order)
    if left is not None:
        found += _gone(left, order)
    frame = pd.DataFrame(found, columns=_COLUMNS)
    frame = frame[frame["fact"].eq("size") | frame["n"].ge(SMALLEST_GROUP)]
    place = [frame["segment"].map(order.index), frame["fact"].map(_ORDER.index)]
    frame = frame.iloc[np.lexsort(place[::-1])].reset_index(drop=True)
    told_of = set(frame["fact"]) | {"above", "source_active", "yield_share"}
    missing = [label for fact, label in _LABELS.items() if fact not in told_of]
    return Evidence(
        frame,
        title=_title(frame, order),
        about=f"Facts of each segment beside all {count_text(total)} customers; 95 % intervals",
        reading=_reading(frame, missing),
    )


def _row(
    segment: str, fact: str, one: Estimate, whole: float, against: float, chance: float, *, text: str = "",
    what: str = "", label: str = "",
) -> tuple:  # fmt: skip
    low, high = (math.nan, math.nan) if one.low is None else (one.low, one.high)
    label, n = label or _LABELS[fact], one.n or 0
    return (segment, fact, what, label, one.unit, one.value, low, high, n, whole, against, chance,
            text or span(one, whole))  # fmt: skip


def span(one: Estimate, whole: float = math.nan) -> str:
    """Write an estimate with its interval and the figure of all customers, short.

    >>> span(Estimate(234.4, "EUR", 200.0, 1500.0, 20), 1800.0)
    'EUR 234 (200 to 1,500), all 1,800'
    >>> span(Estimate(0.5, "share", 0.4, 0.6, 20), 0.25)
    '50.0 % (40.0 to 60.0), all 25.0 %'
    >>> span(Estimate(39.0, "years", 38.0, 40.5, 20))
    '39.0 years (38.0 to 40.5)'
    """
    numbers_here = [value for value in (one.value, one.low, one.high, whole) if value is not None]
    digits = 0 if all(float(value).is_integer() for value in numbers_here if math.isfinite(value)) else 1
    low, high, beside = (_bare(value, one.unit, digits) for value in (one.low, one.high, whole))
    text = short(one.value, one.unit, digits)
    text = f"{text} ({low} to {high})" if one.low is not None else text
    if not math.isfinite(whole):
        return text
    return f"{text}, all {beside} %" if one.unit == "share" else f"{text}, all {beside}"


def short(value: float, unit: str, digits: int = 1) -> str:
    """Write a value with its unit in few characters.

    >>> short(0.1234, "share"), short(2_345_678.0, "EUR"), short(2.768, "products"), short(39.0, "years", 0)
    ('12.3 %', 'EUR 2.35 million', '2.8 products', '39 years')
    """
    if unit == "share":
        return share_text(value)
    if len(unit) == 3 and unit.isupper():
        return f"{unit} {_bare(value, unit)}"
    return f"{_bare(value, unit, digits)} {unit}".rstrip()


def _bare(value: float | None, unit: str, digits: int = 1) -> str:
    """Write a value without its unit."""
    if value is None or not math.isfinite(value):
        return "not known"
    if unit == "share":
        return share_text(value).removesuffix(" %")
    if len(unit) == 3 and unit.isupper():
        is_plain = 100 <= abs(value) < 999.5 or value == 0
        return f"{value:,.0f}" if is_plain else amount_text(value, unit).removeprefix(f"{unit} ")
    return f"{value:,.{digits}f}"


def _size(segment: str, size: int, total: int) -> tuple:
    if size < SMALLEST_GROUP:
        nothing = Estimate(math.nan, "share", n=0)
        return _row(segment, "size", nothing, 1.0, math.nan, math.nan, label="Customers",
                    text=f"under {SMALLEST_GROUP} customers: too few to describe")  # fmt: skip
    share = proportion(size, total)
    text = f"{count_text(size)}, {span(share)}"
    return _row(segment, "size", share, 1.0, math.nan, math.nan, label="Customers", text=text)


def _told(fact: str, x: np.ndarray, kind: str, unit: str, code: np.ndarray, order: list[str], **words) -> list[tuple]:
    """Make the rows of one quantity, a row a segment with 10 known customers."""
    against = _against(x, kind, code, len(order))
    whole = _estimate(x, kind, unit).value
    rows = []
    for i, segment in enumerate(order):
        if against["n"][i] < SMALLEST_GROUP:
            continue
        one = _estimate(x[code == i], kind, unit)
        text = span(one, whole) + (f", n = {one.n:,}" if kind == "index" else "")
        rows.append(_row(segment, fact, one, whole, against["scaled"][i], against["p_value"][i], text=text, **words))
    return rows


def _against(x: np.ndarray, kind: str, code: np.ndarray, k: int) -> pd.DataFrame:
    """Compare segments with all customers; `scaled` is the difference in standard deviations."""
    if kind == "flag":
        found = contrast(x, code, k)
        return found.assign(scaled=found["difference"] / max(np.nanstd(x), 1e-12))
    scale = "number" if kind == "index" else kind
    return contrast(prepared(pd.Series(x), scale), code, k).rename(columns={"difference": "scaled"})


def _estimate(x: np.ndarray, kind: str, unit: str) -> Estimate:
    known = x[np.isfinite(x)]
    if kind == "flag":
        return proportion(known.sum(), len(known))
    if kind in ("amount", "number"):
        return median(known, unit=unit)
    if kind == "share":
        return mean_of(known, unit="share", low=0.0, high=1.0)
    return mean_of(known, unit=unit, low=0.0, high=100.0 if kind == "index" else math.inf)


def _yields(margin: np.ndarray, code: np.ndarray, order: list[str], currency: str, seed: int) -> list[tuple]:
    """Mean yield of each segment and its share of the whole, both by one bootstrap."""
    known = np.isfinite(margin)
    code, margin, k = code[known], margin[known], len(order)

    def statistic(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        sums = np.bincount(code, weights=weights * rows, minlength=k)
        with np.errstate(divide="ignore", invalid="ignore"):
            means = sums / np.bincount(code, weights=weights, minlength=k)
            return np.concatenate([means, sums / sums.sum()])

    point = statistic(margin, np.ones(len(margin)))
    sizes = np.bincount(code, minlength=k)
    drawn = replicates(statistic, margin, resamples=_RESAMPLES, seed=seed)
    against = _against(margin, "amount", code, k)
    whole, rows = float(margin.mean()), []
    for i, segment in enumerate(order):
        if sizes[i] < SMALLEST_GROUP:
            continue
        mean, share = (
            Estimate(float(point[j]), unit, *np.nanquantile(drawn[:, j], [0.025, 0.975]).tolist(), int(sizes[i]),
                     f"bootstrap, {_RESAMPLES} resamples")
            for j, unit in ((i, currency), (k + i, "share"))
        )  # fmt: skip
        rows.append(_row(segment, "yield", mean, whole, against["scaled"][i], against["p_value"][i]))
        if margin.sum() > 0:
            beside = float(sizes[i] / len(margin))
            text = f"{span(share)}, of customers {share_text(beside)}"
            rows.append(_row(segment, "yield_share", share, beside, math.nan, math.nan, text=text))
    return rows


def _families(rows: pd.DataFrame, code: np.ndarray, order: list[str]) -> list[tuple]:
    """Name the family most held, and the one held most above all."""
    here = [name for name in FAMILIES if f"{name}_count" in rows and (rows[f"{name}_count"] > 0).any()]
    lines = []
    for name in here:
        held = (numbers(rows[f"{name}_count"]) > 0).astype(float)
        lines += [(held.mean(), row) for row in _told("held", held, "flag", "", code, order, what=name)]
    found = []
    for segment in order:
        own = [(whole, row) for whole, row in lines if row[0] == segment]
        some = [row for whole, row in own if whole <= _EVERYBODY and row[5] > 0]
        if some:
            top = max(some, key=lambda row: row[5])
            found.append(_named(top, "held"))
        more = [row for row in some if row[5] >= _ABOVE * row[9] and row[11] * len(here) * len(order) < 0.05]
        if more:
            found.append(_named(max(more, key=lambda row: row[5] / row[9]), "above"))
    return found


def _channels(rows: pd.DataFrame, code: np.ndarray, order: list[str]) -> list[tuple]:
    here = [name for name in CHANNELS if f"{name}_12m_share" in rows and (rows[f"{name}_12m_share"] > 0).any()]
    lines = [
        row
        for name in here
        for row in _told("channel", numbers(rows[f"{name}_12m_share"]), "share", "", code, order, what=name)
    ]
    found = []
    for segment in order:
        own = [row for row in lines if row[0] == segment]
        if own:
            found.append(_named(max(own, key=lambda row: row[5]), "channel"))
    return found


def _named(row: tuple, fact: str) -> tuple:
    """Put the name of the family or channel before the figure."""
    values = dict(zip(_COLUMNS, row, strict=True))
    text = f"{values['what'].replace('_', ' ')} {values['text']}"
    return tuple((values | {"fact": fact, "label": _LABELS[fact], "text": text}).values())


def _gone(left: pd.DataFrame, order: list[str]) -> list[tuple]:
    rows = []
    for row in left[left["segment"].isin(order) & left["share"].notna()].itertuples(index=False):
        one = Estimate(row.share, "share", row.share_low, row.share_high, int(row.n), "Wilson")
        spread = math.sqrt(row.all_share * (1 - row.all_share))
        against = (row.share - row.all_share) / spread if spread > 0 else 0.0
        label = f"Left in {row.months} months"
        rows.append(_row(row.segment, "left", one, row.all_share, against, row.p_value, label=label))
    return rows


def _title(frame: pd.DataFrame, order: list[str]) -> str:
    yields = frame[frame["fact"] == "yield"]
    if len(yields) > 1:
        top = yields.loc[yields["value"].idxmax()]
        one, beside = (short(top[name], top["unit"]) for name in ("value", "all_value"))
        title = f"{top['segment']} yields {one} a year, all customers {beside}"
        if len(title) <= 70:
            return title
    sizes = frame[(frame["fact"] == "size") & frame["value"].notna()]
    if sizes.empty:
        return "The segments are too small to be described"
    top = sizes.loc[sizes["value"].idxmax()]
    return f"{top['segment']} is the largest of {len(order)} segments: {share_text(top['value'])}"[:70]


def _reading(frame: pd.DataFrame, missing: list[str]) -> str:
    parts = []
    for fact, words in (("yield", "yield a year"), ("left", "share who left"), ("satisfaction", "satisfaction")):
        own = frame[frame["fact"] == fact]
        if len(own) < 2:
            continue
        if (own["p_value"] * len(own) < 0.05).any():
            top, low = own.loc[own["value"].idxmax()], own.loc[own["value"].idxmin()]
            parts.append(
                f"The {words} is highest in {top['segment']} ({top['text']}) and lowest in {low['segment']} "
                f"({low['text']})."
            )
        else:
            parts.append(f"In the {words} no segment differs for sure from the others.")
    if missing:
        parts.append(f"Not known here: {', '.join(missing)}.")
    return " ".join(parts) or "Every fact of the card is known."
