"""How often honest people give one answer throughout, or the answers of another: by simulation from the survey "
"itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.bank.questionnaire import Questionnaire

__all__ = ["Chance", "chance_of", "is_plain", "one_answer"]

_DRAWS = 20_000
_PLAIN = 0.75  # share of one answer above which equal answers say nothing about copying


@dataclass(frozen=True)
class Chance:
    """What honest answers make.

    Parameters
    ----------
    straight_at_end_share, straight_within_share : float
        Share of responses with one answer throughout, at an end of the scale and elsewhere, 0 to 1.
    identical_pair_share : float
        Share of pairs of responses with the same answers throughout, where no number makes up three quarters, 0 to 1.
    """

    straight_at_end_share: float
    straight_within_share: float
    identical_pair_share: float


def chance_of(block: pd.DataFrame, questionnaire: Questionnaire, *, seed: int = 1, draws: int = _DRAWS) -> Chance:
    """Simulate honest answers with the distribution of each item and the correlations of the survey.

    Parameters
    ----------
    block : DataFrame
        One row a response, one column an item as answered; NaN where nothing was.
    questionnaire : Questionnaire
        Its scale says where the ends are.
    seed : int
        Same seed, same result.
    draws : int
        Simulated responses.

    Returns
    -------
    Chance
        Each share is (found + 1) / (looked at + 1): never 0, so that one odd response of a short survey is no finding.

    Notes
    -----
    A Gaussian copula: normal scores of the answers give the correlations, raised by one factor so that the answers
    drawn correlate on average as the survey's do (ties weaken them); the answers drawn have each item's own
    distribution, and the gaps of a response of the survey.
    Careless responses are part of what it learns from, which raises what it expects of honest people: it finds less
    rather than more. It has no style of answering beyond what shows in the correlations.
    """
    kept = block.loc[:, block.notna().any()]
    values = kept.to_numpy(float)
    wanted = _correlations(_normal_scores(values))
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((draws, values.shape[1]))
    drawn = _answers(noise, wanted, values)
    off = ~np.eye(values.shape[1], dtype=bool)
    before, after = wanted[off].mean(), _correlations(_normal_scores(drawn))[off].mean()
    if after > 0 and before > 0:
        drawn = _answers(noise, np.where(off, np.clip(wanted * before / after, -0.999, 0.999), 1.0), values)
    gaps = np.isnan(values)[rng.integers(len(values), size=draws)]
    drawn = np.where(gaps, np.nan, drawn)
    straight = one_answer(drawn)
    ends = np.isin(np.fmax.reduce(drawn, axis=1), [questionnaire.scale.low, questionnaire.scale.high])
    return Chance(
        straight_at_end_share=(int((straight & ends).sum()) + 1) / (draws + 1),
        straight_within_share=(int((straight & ~ends).sum()) + 1) / (draws + 1),
        identical_pair_share=_pairs(drawn),
    )


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Middle ranks of the answers as quantiles of the normal distribution; NaN stays."""
    ranks = pd.DataFrame(values).rank(method="average").to_numpy()
    return norm.ppf((ranks - 0.5) / np.maximum((~np.isnan(values)).sum(axis=0), 1))


def _correlations(scores: np.ndarray) -> np.ndarray:
    """Correlations over the responses that answered both; 0 where they do not vary."""
    found = pd.DataFrame(scores).corr().to_numpy(copy=True)
    found[np.isnan(found)] = 0.0
    np.fill_diagonal(found, 1.0)
    return found


def _answers(noise: np.ndarray, correlations: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Draw answers: correlated normals, each turned into the item's own distribution."""
    roots, axes = np.linalg.eigh(correlations)
    spread = axes * np.sqrt(np.clip(roots, 1e-9, None))
    spread /= np.sqrt((spread**2).sum(axis=1, keepdims=True))  # pairs with gaps need not make a whole
    place = norm.cdf(noise @ spread.T)
    drawn = np.empty_like(place)
    for item in range(values.shape[1]):
        known = np.sort(values[~np.isnan(values[:, item]), item])
        drawn[:, item] = known[np.minimum((place[:, item] * len(known)).astype(int), len(known) - 1)]
    return drawn


def _pairs(drawn: np.ndarray) -> float:
    """Share of pairs of drawn responses with the same answers, those of mostly one number aside."""
    n = len(drawn)
    varied = np.nan_to_num(drawn[~is_plain(drawn)], nan=-np.inf, neginf=-1e9)
    _, counts = np.unique(varied, axis=0, return_counts=True)
    pairs = float((counts * (counts - 1.0) / 2).sum())
    return (pairs + 1) / (n * (n - 1) / 2 + 1)


def one_answer(values: np.ndarray) -> np.ndarray:
    """Tell which rows hold one and the same number throughout, gaps aside.

    >>> one_answer(np.array([[3.0, np.nan, 3.0], [3.0, 3.0, 4.0]])).tolist()
    [True, False]
    """
    return np.fmax.reduce(values, axis=1) == np.fmin.reduce(values, axis=1)


def is_plain(values: np.ndarray) -> np.ndarray:
    """Tell in which rows one number makes up more than three quarters of the answers, gaps aside.

    >>> is_plain(np.array([[7.0, 7.0, 7.0, 7.0, 8.0], [7.0, 7.0, 7.0, 8.0, np.nan]])).tolist()
    [True, False]
    """
    answered = (~np.isnan(values)).sum(axis=1)
    most = np.zeros(len(values))
    for number in np.unique(values[~np.isnan(values)]):
        most = np.maximum(most, (values == number).sum(axis=1))
    return most > _PLAIN * answered
