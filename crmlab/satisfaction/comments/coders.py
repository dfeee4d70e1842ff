"""Do coders agree? Krippendorff's alpha for two or more coders, with gaps, and what it allows to say."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.resampling import percentile_limits

__all__ = ["MEASUREMENTS", "RELIABLE", "TENTATIVE", "agreement_by_theme", "krippendorff_alpha", "reliability_words"]

MEASUREMENTS = ("nominal", "ordinal", "interval")
RELIABLE, TENTATIVE = 0.800, 0.667  # Krippendorff (2004), page 241
_NUMBERS_AT_ONCE = 4_000_000


def krippendorff_alpha(
    ratings: pd.DataFrame,
    *,
    measurement: str = "nominal",
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Estimate:
    """Estimate how far coders agree beyond chance.

    Parameters
    ----------
    ratings : DataFrame
        One row a unit (a comment), one column a coder; a gap where a coder did not code. Codes of any type for
        ``nominal``; numbers, or True and False, otherwise.
    measurement : str
        ``nominal`` (codes without order), ``ordinal`` (ranks) or ``interval`` (distances count).
    resamples, seed : int
        Of the bootstrap over units; same seed, same limits.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Estimate
        1 full agreement, 0 what chance gives, below 0 systematic disagreement; n is the number of units
        that two or more coders coded. Not known where all codes are the same: nothing varies that could be agreed on.

    Notes
    -----
    alpha = 1 - observed / expected disagreement, from coincidences of values within units; units with one code fall
    out. Whole units are drawn anew, marginals and expected disagreement with them, as by Zapf et al.; Hayes and
    Krippendorff draw single pairs and keep the expected disagreement fixed, which takes the pairs of three or more
    coders for independent. Measured (300 samples each, true alpha .63 to .81): the 95 % limits covered the truth in 92
    to 93 % with three codes of 20 % or more from 50 units on, in 88 to 95 % with a code of 5 to 10 % from 100 units on,
    but in 65 to 77 % at 50: below some ten uses of the rarer code limits are too
    narrow. Resamples without any variation are left out of the limits. Agreement says that a codebook can be repeated,
    not that it is right.

    References
    ----------
    Krippendorff (2011), Computing Krippendorff's alpha-reliability; Hayes and Krippendorff (2007), Answering the call
    for a standard reliability measure for coding data, Communication Methods and Measures 1; Zapf, Castell, Morawietz
    and Karch (2016), Measuring inter-rater reliability for nominal data, BMC Medical Research Methodology 16.

    Examples
    --------
    >>> ratings = pd.DataFrame({"anna": list("aabbcaab"), "ben": list("aabbcaba")})
    >>> krippendorff_alpha(ratings).text
    '0.61 (95 % interval -0.15 to 1.00, n = 8)'
    """
    problems = _problems(ratings, measurement)
    if resamples < 100:
        problems.append(f"coders: {resamples} resamples give no limits. Ask for 100 or more.")
    refuse(*problems)
    values, counts = _counts(ratings, measurement)
    n = len(counts)
    method = f"bootstrap over units, {resamples:,} resamples"
    if n == 0:
        refuse("coders: no unit has codes of two coders. Let two coders code the same units.")
    coincidences = _coincidences(counts)
    here = float(_alpha(coincidences.sum(axis=0), values, measurement))
    if math.isnan(here):
        return Estimate(math.nan, unit="", n=n, method=method, level=level)
    generator = np.random.default_rng(seed)
    flat = coincidences.reshape(n, -1)
    size = max(1, _NUMBERS_AT_ONCE // max(n, flat.shape[1] * 4))
    drawn = []
    for start in range(0, resamples, size):
        times = generator.multinomial(n, np.full(n, 1 / n), size=min(size, resamples - start))
        drawn.append(_alpha((times @ flat).reshape(-1, len(values), len(values)), values, measurement))
    alphas = np.concatenate(drawn)
    limits = {}
    if n > 1 and not np.isnan(alphas).all():
        low, high = percentile_limits(alphas, level)
        limits = {"low": float(low), "high": float(high)}
    return Estimate(here, unit="", n=n, method=method, level=level, **limits)


def reliability_words(alpha: float) -> str:
    """Say what an agreement allows: reliable from .800, tentative from .667, otherwise not reliable.

    References
    ----------
    Krippendorff (2004), Content Analysis, 2nd edition, page 241.

    Examples
    --------
    >>> [reliability_words(value) for value in (0.81, 0.7, 0.5, float("nan"))]
    ['reliable', 'tentative', 'not reliable', 'not known']
    """
    if math.isnan(alpha):
        return "not known"
    return "reliable" if alpha >= RELIABLE else "tentative" if alpha >= TENTATIVE else "not reliable"


def agreement_by_theme(
    codings: Mapping[str, pd.DataFrame], *, resamples: int = 1_000, seed: int = 1, level: float = 0.95
) -> Evidence:
    """Say on which themes coders agree, a comment having none, one or several themes.

    Parameters
    ----------
    codings : mapping of str to DataFrame
        The coding of each coder: one row a comment with the same index for all, one column a theme, True where the
        comment has it; a gap where the coder did not code the comment.
    resamples, seed : int
        Of the bootstrap over comments.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row a theme: ``theme``, ``alpha``, ``alpha_low``, ``alpha_high``, ``agreement_share`` (pairs of
        coders that say the same, 0 to 1), ``mention_share`` (codes that are True, 0 to 1), ``reliability`` (words),
        ``is_low_reliable`` (the lower limit reaches .667 too), ``n`` comments coded by two or more.
        ``estimates``: ``alpha_`` with the name of each theme.

    Notes
    -----
    On a theme that hardly anyone mentions coders agree by saying no: the share looks good, alpha does not.

    Examples
    --------
    >>> anna = pd.DataFrame({"fees": [1, 1, 0, 0, 1, 0, 0, 1], "staff": [0, 0, 1, 1, 0, 1, 0, 0]})
    >>> ben = pd.DataFrame({"fees": [1, 1, 0, 0, 1, 0, 0, 1], "staff": [0, 1, 1, 0, 0, 1, 0, 1]})
    >>> agreement_by_theme({"anna": anna, "ben": ben}).title
    'The coders agree reliably on 1 of 2 themes'
    """
    tables = dict(codings)
    _check_codings(tables)
    first = next(iter(tables.values()))
    themes = list(first.columns)
    rows, estimates = [], {}
    for theme in themes:
        ratings = pd.DataFrame({coder: table[theme].reindex(first.index) for coder, table in tables.items()}).astype(
            float
        )
        found = krippendorff_alpha(ratings, resamples=resamples, seed=seed, level=level)
        _, counts = _counts(ratings, "nominal")
        pairs = counts.sum(axis=1) * (counts.sum(axis=1) - 1)
        same = (counts * (counts - 1)).sum(axis=1)
        low = math.nan if found.low is None else found.low
        rows.append({
            "theme": theme, "alpha": found.value, "alpha_low": low,
            "alpha_high": math.nan if found.high is None else found.high,
            "agreement_share": same.sum() / pairs.sum(), "mention_share": float(np.nanmean(ratings.to_numpy())),
            "reliability": reliability_words(found.value), "is_low_reliable": low >= TENTATIVE, "n": found.n,
        })  # fmt: skip
        estimates[f"alpha_{theme}"] = found
    frame = pd.DataFrame(rows).sort_values("alpha", ascending=False, kind="stable", ignore_index=True)
    reliable = frame["alpha"] >= RELIABLE
    title = f"The coders agree reliably on {int(reliable.sum())} of {len(frame)} themes"
    about = (
        f"Krippendorff's alpha of {len(tables)} coders by theme, {100 * level:g} % bootstrap over comments, "
        f"n = {int(frame['n'].max()):,} comments"
    )
    return Evidence(frame, title, about, _reading(frame), estimates)


def _reading(frame: pd.DataFrame) -> str:
    known = frame.loc[frame["alpha"].notna()]
    if known.empty:
        return "Alpha is not known for any theme: on none of them do the codes vary."
    worst = known.iloc[-1]
    said = f"Agreement is least on {worst['theme']}: alpha {worst['alpha']:.2f}, {worst['reliability']}."
    poor = known.loc[known["alpha"] < TENTATIVE, "theme"].tolist()
    unsure = known.loc[(known["alpha"] >= TENTATIVE) & ~known["is_low_reliable"], "theme"].tolist()
    if poor:
        said += " " + f"Below {TENTATIVE} mend the codebook before any count is used: {', '.join(poor)}."
    if unsure:
        said += " " + f"Too few comments to be sure of {TENTATIVE}: {', '.join(unsure)}."
    return said


def _problems(ratings: pd.DataFrame, measurement: str) -> list[str]:
    problems = []
    if measurement not in MEASUREMENTS:
        problems.append(
            f"coders: measurement {measurement!r} is not known.{nearest(measurement, MEASUREMENTS)} "
            f"Choose one of {', '.join(MEASUREMENTS)}."
        )
    if ratings.shape[1] < 2:
        problems.append(f"coders: {ratings.shape[1]} coder. Agreement needs two or more columns.")
    words = [str(name) for name in ratings.columns if not pd.api.types.is_numeric_dtype(ratings[name])]
    if measurement in MEASUREMENTS[1:] and words:
        problems.append(
            f"coders: {', '.join(words)} hold no numbers, as {measurement} codes are. Number the codes in their order."
        )
    return problems


def _check_codings(tables: dict[str, pd.DataFrame]) -> None:
    if len(tables) < 2:
        refuse(f"coders: {len(tables)} coder. Agreement needs two or more codings.")
    name, first = next(iter(tables.items()))
    problems = []
    for coder, table in tables.items():
        if set(table.columns) != set(first.columns):
            other = sorted(map(str, set(table.columns) ^ set(first.columns)))
            problems.append(f"coders: {name} and {coder} differ in themes {', '.join(other)}. Use one codebook.")
        if table.index.has_duplicates or set(table.index) != set(first.index):
            problems.append(f"coders: {name} and {coder} did not code the same comments. Give all the same index.")
        values = pd.unique(table.to_numpy(dtype=object).ravel())
        if wrong := [value for value in values if not pd.isna(value) and value not in (0, 1)]:
            problems.append(f"coders: {coder} has the code {wrong[0]!r}. Write True, False or a gap.")
    refuse(*problems)


def _counts(ratings: pd.DataFrame, measurement: str) -> tuple[np.ndarray, np.ndarray]:
    """How often each value was given to each unit; units with fewer than two codes left out."""
    flat = ratings.stack().dropna()
    codes, values = pd.factorize(flat.to_numpy(), sort=measurement != "nominal")
    units = pd.factorize(flat.index.get_level_values(0))[0] if not ratings.index.has_duplicates else None
    if units is None:
        return _counts(ratings.reset_index(drop=True), measurement)
    counts = np.zeros((int(units.max(initial=-1)) + 1, max(len(values), 1)))
    np.add.at(counts, (units, codes), 1)
    return np.arange(len(values)) if measurement == "nominal" else values.astype(float), counts[counts.sum(axis=1) > 1]


def _coincidences(counts: np.ndarray) -> np.ndarray:
    """Pairs of values within each unit, each code with weight one: shape (units, values, values)."""
    pairs = counts[:, :, None] * counts[:, None, :]
    place = np.arange(counts.shape[1])
    pairs[:, place, place] -= counts
    return pairs / (counts.sum(axis=1) - 1)[:, None, None]


def _alpha(coincidences: np.ndarray, values: np.ndarray, measurement: str) -> np.ndarray:
    marginals = coincidences.sum(axis=-1)
    total = marginals.sum(axis=-1)
    distance = _squared_distance(marginals, values, measurement)
    observed = (coincidences * distance).sum(axis=(-2, -1))
    expected = (marginals[..., :, None] * marginals[..., None, :] * distance).sum(axis=(-2, -1))
    safe = np.where(expected > 0, expected, np.nan)
    return 1 - (total - 1) * observed / safe


def _squared_distance(marginals: np.ndarray, values: np.ndarray, measurement: str) -> np.ndarray:
    if measurement == "nominal":
        return 1.0 - np.eye(len(values))
    if measurement == "interval":
        return (values[:, None] - values[None, :]) ** 2
    # ordinal: codes between the two, half of those at either end: a distance of middle ranks
    ranks = np.cumsum(marginals, axis=-1) - marginals / 2
    return (ranks[..., :, None] - ranks[..., None, :]) ** 2
