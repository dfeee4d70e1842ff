"""Weights from the data alone: entropy weights, joined with judgements, and how they hang on the coding."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import Estimate, share_text
from crmlab.stats.evidence import Evidence
from crmlab.stats.resampling import percentile_limits

__all__ = ["CODINGS", "combined_weights", "entropy_coding", "entropy_weights"]

CODINGS = ("raw", "min_max")
_JOINTS = ("multiplicative", "linear")


def entropy_weights(
    frame: pd.DataFrame,
    *,
    coding: str = "raw",
    weight: pd.Series | None = None,
    resamples: int = 0,
    seed: int = 1,
    level: float = 0.95,
) -> pd.DataFrame:
    """Weigh indicators by how unequally they are distributed.

    Parameters
    ----------
    frame : DataFrame
        One row a respondent (or an alternative), one numeric column an indicator, no gaps, nothing below 0.
    coding : str
        ``raw``: values as they are; ``min_max``: each indicator stretched to 0 to 1 over the observed range first.
    weight : Series, optional
        Survey weights of the rows, above 0.
    resamples, seed : int
        Of the bootstrap over rows; 0: no limits. Limits ask for rows that are a sample, not for a list of alternatives.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    DataFrame
        By indicator: ``entropy`` (0 to 1, 1 for evenly spread), ``divergence`` (1 - entropy), ``weight`` (share, sum
        1), ``weight_low``, ``weight_high`` (not known without resamples), ``n`` rows.

    Notes
    -----
    p = x / sum x, entropy = - sum p ln p / ln n, weight in proportion to 1 - entropy. The weights measure dispersion,
    not importance: an indicator on which customers differ weighs much whether or not it moves satisfaction, and
    another coding of the same answers gives other weights. See `entropy_coding`.

    References
    ----------
    Hwang and Yoon (1981), Multiple Attribute Decision Making, section 2.3; Shannon (1948), Bell System Technical
    Journal 27.

    Examples
    --------
    >>> scores = pd.DataFrame({"even": [5.0, 5, 5, 5], "uneven": [1.0, 9, 5, 5]})
    >>> entropy_weights(scores)["weight"].to_dict()
    {'even': 0.0, 'uneven': 1.0}
    """
    _check(frame, coding, weight)
    values = _coded(frame.to_numpy(dtype=float), coding)
    counts = np.ones(len(frame)) if weight is None else weight.to_numpy(dtype=float) / weight.mean()
    entropy, found = _weights(values, counts)
    limits = np.full((2, frame.shape[1]), np.nan)
    if resamples:
        generator = np.random.default_rng(seed)
        n = len(frame)
        drawn = []
        for _ in range(resamples):
            times = generator.multinomial(n, np.full(n, 1 / n)) * counts
            there = times > 0
            drawn.append(_weights(_coded(frame.to_numpy(dtype=float)[there], coding), times[there])[1])
        limits = percentile_limits(drawn, level)
    return pd.DataFrame(
        {
            "entropy": entropy, "divergence": 1 - entropy, "weight": found, "weight_low": limits[0],
            "weight_high": limits[1], "n": len(frame),
        },
        index=pd.Index(frame.columns, name="indicator"),
    )  # fmt: skip


def combined_weights(
    judged: pd.Series, measured: pd.Series, *, joint: str = "multiplicative", judged_share: float = 0.5
) -> pd.Series:
    """Join weights of judges (AHP) and weights of data (entropy).

    Parameters
    ----------
    judged, measured : Series
        By indicator, the same names, nothing below 0; they need not sum to 1.
    joint : str
        ``multiplicative``: in proportion to judged x measured; ``linear``: a mixture.
    judged_share : float
        Share of the judges in the linear mixture, 0 to 1.

    Returns
    -------
    Series
        By indicator in the order of `judged`, sum 1.

    Notes
    -----
    The product gives an indicator nothing when either gives it nothing, and sharpens where both agree. No rule says
    which joint is right; show both with the index they lead to.

    Examples
    --------
    >>> combined_weights(pd.Series({"a": 0.5, "b": 0.5}), pd.Series({"a": 0.8, "b": 0.2})).round(2).to_dict()
    {'a': 0.8, 'b': 0.2}
    """
    problems = []
    if joint not in _JOINTS:
        problems.append(
            f"weights: joint {joint!r} is not known.{nearest(joint, _JOINTS)} Choose one of {', '.join(_JOINTS)}."
        )
    if not 0 <= judged_share <= 1:
        problems.append(f"weights: judged_share is {judged_share}. Give 0 to 1.")
    apart = sorted(map(str, set(judged.index) ^ set(measured.index)))
    if apart or judged.index.has_duplicates or measured.index.has_duplicates:
        problems.append(
            f"weights: judged and measured differ in {', '.join(apart) or 'names given twice'}. Use one list."
        )
    for name, given in (("judged", judged), ("measured", measured)):
        if not (np.isfinite(given).all() and (given >= 0).all() and given.sum() > 0):
            problems.append(f"weights: {name} weights are missing, below 0 or all 0. Give shares.")
    refuse(*problems)
    first, second = judged / judged.sum(), measured.loc[judged.index] / measured.sum()
    mixed = first * second if joint == "multiplicative" else judged_share * first + (1 - judged_share) * second
    if not mixed.sum() > 0:
        refuse("weights: no indicator has weight in both. Join them linearly.")
    return (mixed / mixed.sum()).rename("weight")


def entropy_coding(
    frame: pd.DataFrame, *, weight: pd.Series | None = None, resamples: int = 200, seed: int = 1, level: float = 0.95
) -> Evidence:
    """Show how entropy weights change with the coding of the same answers.

    Parameters
    ----------
    frame : DataFrame
        One row a respondent, one numeric column an indicator, no gaps, nothing below 0.
    weight, resamples, seed, level
        As in `entropy_weights`.

    Returns
    -------
    Evidence
        ``frame``: one row an indicator, most raw weight first: ``indicator``, ``weight_raw`` and ``weight_min_max``
        with ``_low`` and ``_high``, ``weight_one_up`` (raw after every score is raised by 1, as by coding 0 to 10 as 1
        to 11), ``spread`` (largest less smallest of the three) and ``n``. ``estimates``: ``largest_spread``.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> scores = pd.DataFrame({"service": rng.integers(6, 11, 200), "fees": rng.integers(0, 11, 200)})
    >>> entropy_coding(scores).frame[["indicator", "weight_raw", "weight_min_max"]].round(2).values.tolist()
    [['fees', 0.94, 0.44], ['service', 0.06, 0.56]]
    """
    asked = {"weight": weight, "resamples": resamples, "seed": seed, "level": level}
    tables = {coding: entropy_weights(frame, coding=coding, **asked) for coding in CODINGS}
    result = pd.DataFrame({"indicator": list(frame.columns)})
    for coding, table in tables.items():
        for name in ("weight", "weight_low", "weight_high"):
            result[name.replace("weight", f"weight_{coding}")] = table[name].to_numpy()
    result["weight_one_up"] = entropy_weights(frame + 1, weight=weight)["weight"].to_numpy()
    three = result[["weight_raw", "weight_min_max", "weight_one_up"]]
    result["spread"] = three.max(axis=1) - three.min(axis=1)
    result["n"] = len(frame)
    result = result.sort_values("weight_raw", ascending=False, kind="stable", ignore_index=True)
    most = result.loc[result["spread"].idxmax()]
    values = most[["weight_raw", "weight_min_max", "weight_one_up"]]
    title = f"Coding alone moves the entropy weight of {most['indicator']} by {100 * most['spread']:.1f} points"
    about = f"Entropy weights by coding, share of all weight, {100 * level:g} % bootstrap limits, n = {len(frame):,}"
    raw, stretched, one_up = (share_text(value) for value in values)
    reading = (
        f"The weight of {most['indicator']} is {raw} with raw scores, {stretched} stretched to the observed range, "
        f"{one_up} with scores one point higher. Entropy weights measure how much customers differ, not what matters "
        "to them."
    )
    return Evidence(
        result, title[:70], about, reading, {"largest_spread": Estimate(most["spread"], "share", n=len(frame))}
    )


def _check(frame: pd.DataFrame, coding: str, weight: pd.Series | None) -> None:
    problems = []
    if coding not in CODINGS:
        problems.append(
            f"entropy: coding {coding!r} is not known.{nearest(coding, CODINGS)} Choose one of {', '.join(CODINGS)}."
        )
    words = [str(name) for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if words:
        problems.append(f"entropy: {', '.join(words)} hold no numbers. Code the answers as scores first.")
        refuse(*problems)
    gaps = [str(name) for name in frame.columns if frame[name].isna().any()]
    below = [str(name) for name in frame.columns if (frame[name] < 0).any()]
    if gaps:
        problems.append(f"entropy: {', '.join(gaps)} have gaps. Leave out those rows, and count them.")
    if below:
        problems.append(
            f"entropy: {', '.join(below)} have values below 0. Shift or stretch them; the weights change with it."
        )
    if len(frame) < 2 or frame.shape[1] < 2:
        problems.append(f"entropy: {len(frame)} rows and {frame.shape[1]} indicators. Give at least two of both.")
    elif not (gaps or below) and not (frame.nunique() > 1).any():
        problems.append("entropy: no indicator varies, so that none has weight. Give one that does.")
    if weight is not None and not (len(weight) == len(frame) and np.isfinite(weight).all() and (weight > 0).all()):
        problems.append("entropy: survey weights are missing or not above 0. Give one weight above 0 for each row.")
    refuse(*problems)


def _coded(values: np.ndarray, coding: str) -> np.ndarray:
    if coding == "raw":
        return values
    low, high = values.min(axis=0), values.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    return np.where(high > low, (values - low) / span, 1.0)


def _weights(values: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropy and weights where each row stands for `counts` rows like it."""
    total = counts @ values
    share = values / np.where(total > 0, total, 1.0)
    logs = np.log(np.where(share > 0, share, 1.0))
    entropy = -(counts @ (share * logs)) / math.log(counts.sum())
    entropy = np.where((values == values[0]).all(axis=0), 1.0, entropy)  # a constant has all of it, without rounding
    divergence = 1 - entropy
    return entropy, divergence / divergence.sum() if divergence.sum() > 0 else np.full(len(divergence), np.nan)
