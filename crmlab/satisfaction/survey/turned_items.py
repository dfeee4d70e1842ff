"""Which items run against the others of their latent variable: reversed, and not turned round."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.bank.questionnaire import Questionnaire

__all__ = ["turned_items"]

_FEWEST = 20  # responses
_COLUMNS = ["item", "latent", "correlation", "low", "high", "n", "is_alarm"]


def turned_items(wide: pd.DataFrame, questionnaire: Questionnaire, *, false_alarm_rate: float = 0.05) -> pd.DataFrame:
    """Correlate each item with the mean of the others of its latent variable, after turning the reversed ones.

    Parameters
    ----------
    wide : DataFrame
        One row a response, one column an item as answered; NaN where nothing was.
    questionnaire : Questionnaire
        Items, and which of them are reversed.
    false_alarm_rate : float
        Chance of any alarm when every item runs with the others, or has nothing to do with them.

    Returns
    -------
    DataFrame
        One row an item of a reflective latent variable with two items or more: ``item``, ``latent``, ``correlation``
        with ``low`` and ``high`` (95 %, Fisher z), ``n`` (responses), ``is_alarm`` (bool: below 0 beyond chance).

    Notes
    -----
    Of a latent variable the item furthest below 0 is named and turned, and the others are looked at again, so that one
    item does not make the others look turned. Of two items nobody can say which one it is: the one named is the later
    one. One-sided tests, Bonferroni over items. Formative latent variables are left out: their items need not agree.

    Examples
    --------
    >>> latent = {"title": {}, "items": {"a": {}, "b": {}, "c": {}}}
    >>> scale = {"low": 1, "high": 5, "anchors": {"low": {}, "high": {}}}
    >>> asked = Questionnaire.model_validate(
    ...     {"name": "one", "title": {}, "scale": scale, "latents": {"value": latent}, "paths": {}}
    ... )
    >>> level = np.arange(50) % 5 + 1.0
    >>> found = turned_items(pd.DataFrame({"a": level, "b": np.minimum(level + 1, 5), "c": 6 - level}), asked)
    >>> found[["item", "is_alarm"]].values.tolist()
    [['a', False], ['b', False], ['c', True]]
    """
    rows = []
    for name, latent in questionnaire.latents.items():
        codes = [code for code in latent.items if code in wide]
        if latent.mode == "A" and len(codes) > 1:
            ends = {code: sum(questionnaire.scales[code]) for code in codes}
            values = wide[codes].astype("float64")
            values = values.assign(**{code: ends[code] - values[code] for code in codes if code in latent.reversed})
            rows += [(name, *row) for row in _of_latent(values, false_alarm_rate / len(questionnaire.latent_of))]
    found = pd.DataFrame(rows, columns=["latent", "item", "correlation", "low", "high", "n", "is_alarm"])
    return found[_COLUMNS].astype({"is_alarm": bool})


def _of_latent(values: pd.DataFrame, rate: float) -> list[tuple]:
    """Name the items that run against the others, one after the other, at most half of them."""
    codes = list(values)
    scores = values.to_numpy(float, copy=True)
    named: dict[int, tuple[float, int]] = {}
    found = _with_others(scores)
    for _ in range(len(codes) // 2):
        against = [
            place
            for place, (r, n) in enumerate(found)
            if place not in named and n >= _FEWEST and _z(r, n) < norm.ppf(rate)
        ]
        if not against:
            break
        worst = min(against, key=lambda place: (round(found[place][0], 9), -place))
        named[worst] = found[worst]
        scores[:, worst] *= -1
        found = _with_others(scores)
    rows = []
    for place, code in enumerate(codes):
        r, n = named.get(place) or found[place]
        reach = norm.ppf(0.975) / np.sqrt(n - 3) if n > 3 else np.nan
        low, high = np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)) + np.array([-reach, reach]))
        rows.append((code, r, float(low), float(high), n, place in named))
    return rows


def _z(r: float, n: int) -> float:
    return float(np.arctanh(np.clip(r, -0.999999, 0.999999)) * np.sqrt(n - 3))


def _with_others(scores: np.ndarray) -> list[tuple[float, int]]:
    """Correlation of each item with the mean of the others that were answered, all with the same spread; and n."""
    known = ~np.isnan(scores)
    count = np.maximum(known.sum(axis=0), 1)
    centred = np.where(known, scores - np.where(known, scores, 0).sum(axis=0) / count, 0.0)
    spread = np.sqrt((centred**2).sum(axis=0) / count)
    varies = spread > 0
    standard = centred / np.where(varies, spread, 1.0)
    given = known & varies
    found = []
    for place in range(scores.shape[1]):
        others = given.sum(axis=1) - given[:, place]
        both = known[:, place] & (others > 0)
        x = standard[both, place]
        y = (standard.sum(axis=1) - standard[:, place])[both] / others[both]
        is_known = len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0
        found.append((float(np.corrcoef(x, y)[0, 1]) if is_known else 0.0, int(both.sum())))
    return found
