"""What customers of a segment are like, beside all customers: every column of a basis, with intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import count

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.columns import Column
from crmlab.segmentation.contrasts import contrast, in_segments, mean_of, numbers, prepared
from crmlab.stats import Estimate, Evidence, count_text, median, proportion, share_text

__all__ = ["NOT_KNOWN", "profile", "short_name"]

NOT_KNOWN = "not known"  # a gap in a category tells something, so it is a word of its own
_WORDS_SHOWN = 3
_TITLE = 70


def profile(
    frame: pd.DataFrame, segments: pd.Series, columns: Sequence[Column], *, order: Sequence[str], currency: str = ""
) -> Evidence:
    """Describe each segment by each column, beside all customers.

    Parameters
    ----------
    frame : DataFrame
        One row a customer, in original units; gaps are left out.
    segments : Series of str
        Segment of each customer, with the index of `frame`; customers without one are left out.
    columns : sequence of Column
        What to describe. Those the frame lacks, where nothing is known, or which are the same for all but 1 in 100
        customers, are left out and named in the reading.
    order : sequence of str
        Segments, in the order of the rows; those without customers in the frame are left out.
    currency : str
        Currency code of the amounts without a unit.

    Returns
    -------
    Evidence
        Frame, one row a column and segment: ``column``, ``label`` (with the unit), ``segment``, ``segment_share`` (of
        the customers), ``n`` (known; 0 under 10), ``value``, ``low``, ``high``, ``value_all`` (original units),
        ``value_text``, ``interval_text``, ``difference`` (standard deviations), ``p_value`` (after correction for all
        cells) and ``is_different``. Groups under 10 have no values.

    Notes
    -----
    `value` is the median of amounts, counts and numbers (interval by order statistics), the mean of shares (Student's
    interval) and the share of flags and words (Wilson). Of a category the three words that part the segments most are
    shown; a gap counts as the word "not known".

    `difference` is the mean of the segment less that of all customers, after the preparation of `prepared`, in standard
    deviations of all customers. It is called different where chance would make such a difference in less than 5 % of
    tables (`crmlab.segmentation.contrasts.contrast`, times the number of cells after Bonferroni; all words of a
    category count). Segments that were learned from the same columns differ in them by construction: the mark says
    where they differ, not that there are segments.

    References
    ----------
    Dunn (1961), JASA 56, for many comparisons.

    Examples
    --------
    >>> seen = pd.DataFrame({"logins": [0.0, 1, 2, 3, 4] * 4 + [20.0, 21, 22, 23, 24] * 4})
    >>> group = pd.Series(["quiet"] * 20 + ["digital"] * 20)
    >>> found = profile(seen, group, [Column("logins", "Logins", "count", "a month")], order=["digital", "quiet"])
    >>> found.frame[["label", "segment", "value_text", "interval_text", "is_different"]].values.tolist()
    [['Logins, a month', 'digital', '22', '21 to 23', True], ['Logins, a month', 'quiet', '2', '1 to 3', True]]
    >>> found.title
    'digital stands out by Logins, a month: 22 against 12'
    """
    segments = segments.reindex(frame.index)
    present = set(segments.dropna())
    order = [name for name in order if name in present]
    rows, code = in_segments(frame, segments, order=order)
    here, absent, same = [], [], []
    for column in columns:
        known = column.name in rows and rows[column.name].notna().any()
        (absent if not known else here if _varies(rows[column.name], column.kind) else same).append(column)
    sizes = np.bincount(code, minlength=len(order))
    parts = [part for column in here for part in _parts(rows[column.name], column, code, len(order), currency)]
    table = pd.DataFrame(
        [row for part in parts for row in part],
        columns=["column", "label", "place", "n", "value", "low", "high", "value_all", "value_text", "interval_text",
                 "all_text", "difference", "p_value"],
    ).astype({"difference": float, "p_value": float})  # fmt: skip
    # words were chosen among all words of their column, so all of them were looked at
    looks = len(order) * sum(_words(rows[c.name]).nunique() if c.kind == "category" else 1 for c in here)
    place = table["place"].astype(int)
    done = table.assign(
        segment=np.array(order, dtype=object)[place],
        segment_share=(sizes / max(sizes.sum(), 1))[place],
        p_value=(looks * table["p_value"]).clip(upper=1.0),
        is_different=looks * table["p_value"] < 0.05,
    ).astype({"segment": "str"})
    shown = done.drop(columns=["place", "all_text"])
    gaps = [share_text(1 - len(rows[c.name].dropna()) / len(rows)) for c in here if c.kind != "category"]
    missing = max(gaps, key=lambda text: float(text.removesuffix(" %")), default="0.0 %")
    return Evidence(
        shown[["column", "label", "segment", "segment_share", "n", "value", "low", "high", "value_all", "value_text",
               "interval_text", "difference", "p_value", "is_different"]],
        title=_title(done, len(order)),
        about=f"Median (shares: mean), 95 % interval; colour: distance from all {count_text(len(rows))} customers in "
        f"standard deviations; marked: sure at 95 % for all {looks} comparisons together",
        reading=_reading(done, absent, same, missing),
    )  # fmt: skip


def short_name(name: str, limit: int) -> str:
    """Cut a name to a length.

    >>> short_name("a very long name", 10)
    'a very lo…'
    """
    return name if len(name) <= limit else name[: limit - 1].rstrip() + "…"


def _parts(values: pd.Series, column: Column, code: np.ndarray, k: int, currency: str) -> list[list[tuple]]:
    """Make the rows of one column: one part, or for a category one a telling word."""
    if column.kind != "category":
        return [_rows(numbers(values), column, column.label, code, k, currency)]
    words = _words(values)
    telling = {}
    for word in sorted(words.unique()):
        says = (words == word).to_numpy(dtype=float)
        difference = contrast(says, code, k)["difference"] / max(says.std(), 1e-12)
        telling[word] = difference.abs().max()
    chosen = sorted(telling, key=lambda word: (-np.nan_to_num(telling[word]), word))[:_WORDS_SHOWN]
    flag = Column(column.name, column.label, "flag")
    labels = ((word, f"{column.label}: {word}") for word in telling if word in chosen)
    return [_rows((words == w).to_numpy(dtype=float), flag, label, code, k, "") for w, label in labels]


def _varies(values: pd.Series, kind: str) -> bool:
    """Tell whether a column parts customers; a flag or a word does where any two differ."""
    if kind in ("flag", "category"):
        return _words(values).nunique() > 1
    return bool(np.nanmax(np.abs(prepared(values, kind))) > 0)


def _words(values: pd.Series) -> pd.Series:
    return values.astype("object").where(values.notna(), NOT_KNOWN).astype("str")


def _rows(x: np.ndarray, column: Column, label: str, code: np.ndarray, k: int, currency: str) -> list[tuple]:
    scaled = prepared(pd.Series(x), column.kind)
    against = contrast(x if column.kind == "flag" else scaled, code, k)
    if column.kind == "flag":
        against["difference"] /= max(np.nanstd(x), 1e-12)
    n = against["n"]
    ordered = np.argsort(code, kind="stable")
    pieces = np.split(x[ordered], np.cumsum(np.bincount(code, minlength=k))[:-1])
    estimates = [_estimate(piece, column.kind) if n[i] >= SMALLEST_GROUP else None for i, piece in enumerate(pieces)]
    whole = _estimate(x, column.kind)
    show, unit = _scale([*(e.value for e in estimates if e), whole.value], column, currency)
    label = label if unit.lower() in label.lower() else f"{label}, {unit}"
    rows = []
    for i, one in enumerate(estimates):
        low, high = (math.nan, math.nan) if one is None or one.low is None else (one.low, one.high)
        texts = (show(one.value), "" if one.low is None else " to ".join((show(low), show(high)))) if one else ("", "")
        value, size = (one.value, int(n[i])) if one else (math.nan, 0)
        rows.append((column.name, label, i, size, value, low, high, whole.value, *texts, show(whole.value),
                     against["difference"][i], against["p_value"][i]))  # fmt: skip
    return rows


def _estimate(x: np.ndarray, kind: str) -> Estimate:
    if kind == "share":
        return mean_of(x, unit="", low=0.0, high=1.0)
    if kind == "flag":
        known = x[np.isfinite(x)]
        return proportion(known.sum(), len(known))
    return median(x, unit="")


def _scale(values: list[float], column: Column, currency: str):
    """Choose how the numbers of a row are written, and the unit in its label."""
    if column.kind in ("share", "flag"):
        return lambda value: f"{100 * value:.0f}", "%"
    unit = column.unit or (currency if column.kind == "amount" else "")
    size = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    power, word = 1.0, ""
    if column.kind == "amount" and size >= 1e5:
        power, word = (1e6, "million") if size >= 1e8 else (1e3, "1,000")
    whole = size / power >= 100
    return lambda value: _plain(value / power, whole=whole), f"{unit} {word}".strip()


def _plain(value: float, *, whole: bool = False) -> str:
    """Write a number with up to three digits; whole ones, and those beside large ones, without a point."""
    if abs(value) >= 100 or abs(value - round(value)) < 1e-9 or (whole and abs(value) >= 10):
        return f"{value:,.0f}"
    digits = next(d for d in count() if abs(value) >= 10**-d or d == 4)
    return f"{value:.{max(digits, 1)}f}"


def _title(done: pd.DataFrame, k: int) -> str:
    if k < 2 or not np.isfinite(done["difference"]).any():
        return "One segment only: there is nothing to compare" if k < 2 else "Too few customers to compare segments"
    if not done["is_different"].any():
        return "No segment differs for sure from all customers in any column"
    top = _furthest(done).iloc[0]
    for label in (top["label"], short_name(top["label"], 24)):
        title = f"{top['segment']} stands out by {label}: {top['value_text']} against {top['all_text']}"
        if len(title) <= _TITLE:
            return title
    return short_name(f"{top['segment']} stands out by {top['label']}", _TITLE)


def _furthest(done: pd.DataFrame) -> pd.DataFrame:
    """Sort the cells that differ for sure by their distance from all; nearer to 0.01 the order of the table decides."""
    sure = done[done["is_different"]]
    place = sure["difference"].abs().round(2).sort_values(ascending=False, kind="stable").index
    return sure.loc[place]


def _reading(done: pd.DataFrame, absent: list[Column], same: list[Column], missing: str) -> str:
    parts = []
    best = _furthest(done).drop_duplicates("segment").head(3)
    for row in best.itertuples(index=False):
        direction = "above" if row.difference > 0 else "below"
        parts.append(
            f"{row.segment} ({share_text(row.segment_share)} of customers): {row.label}: {row.value_text} "
            f"({row.interval_text}), all {row.all_text}, {abs(row.difference):.1f} standard deviations {direction}."
        )
    if not parts:
        parts.append("No segment differs for sure from all customers in any of these columns.")
    if missing != "0.0 %":
        parts.append(f"Up to {missing} of the customers have a gap in a column and are left out there.")
    for words, left_out in (("The same for (nearly) everybody", same), ("Not known here", absent)):
        if left_out:
            parts.append(f"{words}: {', '.join(column.label for column in left_out)}.")
    return " ".join(parts)
