"""A frame as a reader sees it: units in the header, numbers rounded to what can be read."""

from __future__ import annotations

import datetime
import math
import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ShownTable", "plain", "show"]

_UNITS = {"share": "%", "days": "days", "years": "years", "months": "months", "minutes": "minutes"}
_SUFFIX = re.compile(
    r"^(?:(?P<stem>[a-z0-9_]+)_)?(?P<unit>amount|share|count|days|years|months|minutes)(?P<end>_low|_high)?$"
)
_LIMITS = ("low", "high")  # limits of an interval, in the unit of the column before them
_NOTHING = "–"
_DIGITS = 10  # significant digits kept in findings.json: more are noise of the order in which cores add up


@dataclass(frozen=True)
class ShownTable:
    """A table as text.

    Parameters
    ----------
    headers : tuple of str
        With units.
    rows : tuple of tuple of str
        Cell texts.
    numeric : tuple of bool
        Which columns are numbers, to be aligned right.
    """

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]

    def html(self, limit: int = 10) -> str:
        """Give an HTML table of the first rows, every text escaped."""
        align = ["right" if number else "left" for number in self.numeric]
        head = "".join(
            f'<th scope="col" style="text-align:{a}">{escape(h)}</th>' for h, a in zip(self.headers, align, strict=True)
        )
        body = "".join(
            "<tr>"
            + "".join(f'<td style="text-align:{a}">{escape(t)}</td>' for t, a in zip(row, align, strict=True))
            + "</tr>"
            for row in self.rows[:limit]
        )
        more = len(self.rows) - limit
        rest = f"<p>{more:,} more rows are in findings.json.</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def show(frame: pd.DataFrame, currency: str = "") -> ShownTable:
    """Turn a frame into text.

    A column named by the contract's habits gets its unit in the header: ``assets_amount`` becomes ``Assets, EUR``,
    ``active_share`` becomes ``Active, %`` with its values times 100. Other headers stay as they are.

    Parameters
    ----------
    frame : DataFrame
        Its index becomes the first column unless it is a plain row number.
    currency : str
        Currency code of amounts.

    Examples
    --------
    >>> import pandas as pd
    >>> tiers = pd.DataFrame({"tier": ["mass", "rich"], "assets_amount": [1234.5, 98765.4], "active_share": [.5, None]})
    >>> shown = show(tiers, "EUR")
    >>> shown.headers
    ('Tier', 'Assets, EUR', 'Active, %')
    >>> shown.rows
    (('mass', '1,234', '50.0'), ('rich', '98,765', '–'))
    """
    flat = flatten(frame)
    columns, measured = [], ""
    for position, name in enumerate(map(str, flat.columns)):
        measured = measured if name in _LIMITS else name
        columns.append(_column(name, measured, flat.iloc[:, position].tolist(), currency))
    rows = tuple(zip(*(texts for _, texts, _ in columns), strict=True)) if columns else ()
    return ShownTable(tuple(h for h, _, _ in columns), rows, tuple(number for _, _, number in columns))


def flatten(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a copy with the index as columns and every header a text."""
    import pandas as pd

    flat = frame.copy()
    if isinstance(flat.columns, pd.MultiIndex):
        flat.columns = [" · ".join(str(part) for part in name if str(part)) for name in flat.columns]
    flat.columns = [str(name) for name in flat.columns]
    if not isinstance(flat.index, pd.RangeIndex) or flat.index.name:
        names = [str(name) if name is not None else "" for name in flat.index.names]
        labels = [flat.index.get_level_values(level) for level in range(flat.index.nlevels)]
        for position, (name, values) in enumerate(zip(names, labels, strict=True)):
            flat.insert(position, name, list(values), allow_duplicates=True)
    return flat.reset_index(drop=True)


def _column(name: str, measured: str, values: list[Any], currency: str) -> tuple[str, list[str], bool]:
    unit, header = _unit(name, currency)
    if name != measured:
        unit, of = _unit(measured, currency)
        header += f", {of.rpartition(', ')[2]}" if ", " in of else ""
    numbers = [float(v) for v in values if _is_number(v)]
    write = _writer(unit, name, numbers, all(isinstance(v, int) or float(v).is_integer() for v in numbers))
    texts = [write(v) if _is_number(v) else _text(v) for v in values]
    numeric = bool(numbers) or any(hasattr(v, "as_dict") for v in values)
    return header, texts, numeric


def _unit(name: str, currency: str) -> tuple[str, str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return ("%" if name.rstrip(")").endswith("%") else ""), name
    if name.startswith("is_"):
        return "", _words(name[3:])
    if name.endswith(("_on", "_at")):
        return "", _words(name[:-3])
    match = _SUFFIX.match(name)
    if not match:
        return "", _words(name)
    unit, words = match["unit"], _words((match["stem"] or match["unit"]) + (match["end"] or ""))
    if unit == "count":
        return "count", words
    if unit == "amount":
        return "amount", f"{words}, {currency}" if currency else words
    if not match["stem"] and unit != "share":
        return unit, words
    return unit, f"{words}, {_UNITS[unit]}"


def _words(name: str) -> str:
    words = name.replace("_", " ").strip()
    if words == "n":
        return words
    return words[:1].upper() + words[1:]


def _writer(unit: str, name: str, numbers: list[float], whole: bool) -> Any:
    size = max((abs(v) for v in numbers), default=0.0)
    if unit == "share":
        return lambda v: f"{100 * v:,.1f}"
    if unit == "%":
        return lambda v: f"{v:,.1f}"
    if unit == "amount":
        decimals = 0 if size >= 1000 else 2
    elif whole:
        if re.search(r"\byear\b", name.replace("_", " ").lower()):
            return lambda v: f"{v:.0f}"
        decimals = 0
    else:
        decimals = 0 if size >= 1000 else 1 if size >= 10 else 2 if size >= 1 else 3
    return lambda v: f"{v:,.{decimals}f}"


def _is_number(value: Any) -> bool:
    import numbers

    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _text(value: Any) -> str:
    if hasattr(value, "as_dict"):
        return f"{value.short} ({value.interval})" if value.interval else value.short
    simple = plain(value)
    if simple is None:
        return _NOTHING
    if isinstance(simple, bool):
        return "yes" if simple else "no"
    return str(simple)


def plain(value: Any) -> Any:
    """Turn a value into what JSON knows; dates become ISO texts, what is missing becomes None.

    >>> import pandas as pd
    >>> plain(pd.Timestamp("2024-03-31")), plain(float("nan")), plain(1 / 3), plain(pd.Period("2024-03", "M"))
    ('2024-03-31', None, 0.3333333333, '2024-03')
    """
    import numbers

    if value is None or isinstance(value, (str, bool)):
        return value
    if hasattr(value, "as_dict"):
        return {key: plain(inner) for key, inner in value.as_dict().items()}
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return plain(value.item())
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return float(f"{float(value):.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, datetime.datetime):
        if value != value:  # NaT
            return None
        midnight = value.time() == datetime.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ", timespec="minutes")
    if isinstance(value, datetime.date):
        return value.isoformat()
    text = str(value)
    return None if text in ("NaT", "<NA>", "nan") else text
