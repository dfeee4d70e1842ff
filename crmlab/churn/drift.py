"""Do today's customers still look like those the model learned from?"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.stats.differences import holm
from crmlab.stats.drift import psi
from crmlab.stats.evidence import Evidence

__all__ = ["drift_of"]

_BINS = 10
_MOST_WORDS = 20
_LARGE = 0.1  # usually called a shift; a smaller one is told only by its p-value
_SCORE = "(probability)"


def drift_of(
    then: pd.DataFrame,
    now: pd.DataFrame,
    *,
    p_then: pd.Series | None = None,
    p_now: pd.Series | None = None,
    limit: float = _LARGE,
    level: float = 0.95,
) -> Evidence:
    """Hold each column of today's customers against the same column of an earlier date.

    Parameters
    ----------
    then, now : DataFrame
        Features of the customers of an earlier date and of today, one row a customer; columns of both are compared.
    p_then, p_now : Series, optional
        Probabilities of both, compared as one more column.
    limit : float
        Index below which a shift is too small to matter, however certain.
    level : float
        Confidence that no shift is called where there is none, over all columns.

    Returns
    -------
    Evidence
        Frame, the largest first: ``column``, ``psi``, ``expected`` (what chance alone gives), ``p_value_holm``,
        ``is_drifted``, ``n``.

    Notes
    -----
    Numbers are cut at the tenths of both dates together, gaps are a class of their own; of words the twenty commonest
    are told apart. A column has drifted where its index is above `limit` and beyond chance, all looks corrected (Holm).
    Most customers are there on both dates, so chance moves the index less than its law says: alarms come late rather
    than early. Compare dates of the same season, or the season alarms.

    References
    ----------
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal of Risk Model
    Validation 14.

    Examples
    --------
    >>> then = pd.DataFrame({"a": range(100), "b": ["x", "y"] * 50})
    >>> now = pd.DataFrame({"a": range(60, 160), "b": ["x", "y"] * 50})
    >>> drift_of(then, now).frame[["column", "is_drifted"]].values.tolist()
    [['a', True], ['b', False]]
    """
    pairs = {name: (then[name], now[name]) for name in then.columns if name in now.columns}
    if p_then is not None and p_now is not None:
        pairs[_SCORE] = (p_then, p_now)
    rows = []
    for name, (a, b) in pairs.items():
        counts = _counts(a, b)
        if counts is None:
            continue
        found = psi(*counts)
        rows.append((name, found.value, found.expected, found.p_value, len(b)))
    frame = pd.DataFrame(rows, columns=["column", "psi", "expected", "p_value", "n"])
    corrected = holm(frame["p_value"].to_numpy(dtype=float)) if len(frame) else np.array([])
    frame = frame.assign(p_value_holm=corrected, is_drifted=(corrected < 1 - level) & (frame["psi"] > limit))
    frame = frame.sort_values(["psi", "column"], ascending=[False, True], kind="stable", ignore_index=True)
    odd = frame.loc[frame["is_drifted"], "column"].tolist()
    named = ", ".join(name.replace("_", " ") for name in odd[:3])
    said = f"None of {len(frame)} columns moved by more than an index of {limit:g}, beyond chance."
    if odd:
        more = f" and {len(odd) - 3} more" if len(odd) > 3 else ""
        said = f"{len(odd)} of {len(frame)} columns look different today: {named}{more}."
    return Evidence(
        frame[["column", "psi", "expected", "p_value_holm", "is_drifted", "n"]],
        title=f"{len(odd)} of {len(frame)} columns have drifted" if odd else "Today's customers look as before",
        about=f"Population stability index by column; drifted: above {limit:g} and beyond chance after Holm",
        reading=said,
    )


def _counts(a: pd.Series, b: pd.Series) -> tuple[np.ndarray, np.ndarray] | None:
    """Count both in the same classes; None where there is nothing to compare."""
    if not len(a) or not len(b):
        return None
    if pd.api.types.is_numeric_dtype(a) and pd.api.types.is_numeric_dtype(b):
        x, y = a.to_numpy(dtype=float, na_value=np.nan), b.to_numpy(dtype=float, na_value=np.nan)
        both = np.concatenate([x[np.isfinite(x)], y[np.isfinite(y)]])
        cuts = np.unique(np.quantile(both, np.arange(1, _BINS) / _BINS)) if len(both) else np.array([])
        codes = [np.where(np.isnan(v), len(cuts) + 1, np.searchsorted(cuts, v, side="right")) for v in (x, y)]
        return tuple(np.bincount(code, minlength=len(cuts) + 2) for code in codes)
    words = [one.astype(object).where(one.notna(), "(empty)").astype("str") for one in (a, b)]
    common = pd.concat(words).value_counts().head(_MOST_WORDS).index.sort_values()
    kept = [one.where(one.isin(common), "(other)") for one in words]
    index = [*common, "(other)"]
    return tuple(one.value_counts().reindex(index, fill_value=0).to_numpy() for one in kept)
