"""Do some customers gain more from a treatment than others, so that it can be used? The verdict can be no."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.stats.differences import holm
from crmlab.stats.effect_curves import autoc, effects_by_group, qini
from crmlab.stats.estimate import Estimate

__all__ = ["Heterogeneity", "calibrated_effects", "effect_line", "heterogeneity"]

NAMES = {"effect_t": "T-learner", "effect_x": "X-learner", "effect_dr": "DR-learner"}


@dataclass(frozen=True)
class Heterogeneity:
    """Whether single effects can be used.

    Parameters
    ----------
    frame : DataFrame
        One row a learner: ``learner``, ``qini``, ``qini_low``, ``qini_high``, ``autoc``, ``p_value`` (corrected over
        learners), ``is_found``.
    is_usable : bool
        Some learner ranks customers by their effect beyond chance.
    best : str
        Column of the learner to use: the largest Qini among those found; empty where none is.
    verdict : str
        One or two sentences.
    groups : DataFrame
        Effects by predicted effect of the best learner (or of that with the largest Qini).
    estimates : dict of str to Estimate
        ``qini`` and ``autoc`` of that learner.
    """

    frame: pd.DataFrame
    is_usable: bool
    best: str
    verdict: str
    groups: pd.DataFrame
    estimates: dict[str, Estimate]


def heterogeneity(
    found: pd.DataFrame,
    *,
    customers: object = None,
    unit: str = "share",
    false_alarm_rate: float = 0.05,
    groups: int = 5,
) -> Heterogeneity:
    """Test whether learned effects rank customers by how far the treatment moves them.

    Parameters
    ----------
    found : DataFrame
        From `crmlab.stats.effect_learners.cross_fitted_effects`.
    customers : array-like, optional
        Whose row it is.
    unit : str
        Unit of the outcome.
    false_alarm_rate : float
        Chance of the verdict "usable" when all customers gain alike.
    groups : int
        Groups in which predicted and found effects are compared.

    Notes
    -----
    The test is the Qini value of each learner on customers it did not see, one-sided, ranks within folds, corrected
    over learners (Holm). "Not usable" does not say that all gain alike: it says that this trial does not show who gains
    more, so that a list by predicted effect is a list by chance.

    References
    ----------
    Yadlowsky et al. (2025), JASA 120; Chernozhukov, Demirer, Duflo and Fernandez-Val (2025), Econometrica 93 (groups).

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> true = rng.normal(size=4_000)
    >>> seen = pd.DataFrame({"fold": 0, "score": true + rng.normal(size=4_000), "effect_dr": true})
    >>> heterogeneity(seen).is_usable
    True
    """
    kinds = [name for name in NAMES if name in found]
    refuse(
        *([] if kinds else ["heterogeneity: no learned effects. Ask cross_fitted_effects for one learner or more."]),
        *([] if 0 < false_alarm_rate < 1 else
          [f"heterogeneity: false_alarm_rate is {false_alarm_rate}. Give a share above 0 and below 1."]),
    )  # fmt: skip
    given = {"folds": found["fold"], "customers": customers, "unit": unit}
    values = {kind: qini(found[kind], found["score"], **given) for kind in kinds}
    tops = {kind: autoc(found[kind], found["score"], **given) for kind in kinds}
    corrected = holm([values[kind].p_value for kind in kinds])
    frame = pd.DataFrame(
        {
            "learner": [NAMES[kind] for kind in kinds],
            "qini": [values[kind].estimate.value for kind in kinds],
            "qini_low": [values[kind].estimate.low for kind in kinds],
            "qini_high": [values[kind].estimate.high for kind in kinds],
            "autoc": [tops[kind].estimate.value for kind in kinds],
            "p_value": corrected,
            "is_found": corrected < false_alarm_rate,
        }
    )
    usable = frame["is_found"].to_numpy(dtype=bool)
    first = int(np.argmax(np.where(usable, frame["qini"], -np.inf) if usable.any() else frame["qini"].fillna(-np.inf)))
    shown = kinds[first]
    return Heterogeneity(
        frame,
        bool(usable.any()),
        shown if usable.any() else "",
        _verdict(frame.iloc[first], bool(usable.any()), len(found)),
        effects_by_group(found[shown], found["score"], groups=groups, **given),
        {"qini": values[shown].estimate, "autoc": tops[shown].estimate},
    )


def effect_line(effect: object, score: object) -> tuple[float, float]:
    """Fit the line that turns learned effects into effects of the size found in the trial.

    Parameters
    ----------
    effect : array-like of float
        Learned effects of models that did not see the customer.
    score : array-like of float
        Effect scores of the same customers.

    Returns
    -------
    tuple of float
        Value at the mean learned effect less slope x that mean, and slope. The slope is above 1 where the learner
        shrinks too much, below 1 where it overstates, and 0 (all alike) where it would be negative.

    References
    ----------
    Chernozhukov, Demirer, Duflo and Fernandez-Val (2025), Econometrica 93 (best linear predictor).

    Examples
    --------
    >>> intercept, slope = effect_line([0.1, 0.2, 0.3], [0.0, 0.2, 0.4])
    >>> round(intercept, 6), round(slope, 6)
    (-0.2, 2.0)
    """
    x, y = np.asarray(effect, dtype=float), np.asarray(score, dtype=float)
    spread = float(((x - x.mean()) ** 2).sum())
    slope = max(float(((x - x.mean()) * (y - y.mean())).sum()) / spread, 0.0) if spread > 0 else 0.0
    return float(y.mean() - slope * x.mean()), slope


def calibrated_effects(found: pd.DataFrame, kind: str) -> pd.Series:
    """Bring cross-fitted effects to the size found in the trial, each fold by the line of the others.

    Parameters
    ----------
    found : DataFrame
        From `crmlab.stats.effect_learners.cross_fitted_effects`.
    kind : str
        Column with the learned effects.
    """
    made = pd.Series(0.0, index=found.index, name="effect")
    for fold in sorted(found["fold"].unique()):
        inside = found["fold"] == fold
        others = found[~inside] if (~inside).any() else found
        intercept, slope = effect_line(others[kind], others["score"])
        made[inside] = intercept + slope * found.loc[inside, kind]
    return made


def _verdict(row: pd.Series, is_usable: bool, n: int) -> str:
    chance = "p < .0001" if row["p_value"] < 1e-4 else f"p = {row['p_value']:.3f}".replace("0.", ".")
    if is_usable:
        return (
            f"Usable heterogeneity: the {row['learner']} finds who gains more, among {n:,} not seen by it ({chance})."
        )
    return (
        f"No usable heterogeneity: none of the learners finds who gains more among {n:,} customers it did not see "
        f"(best {chance}, corrected). Treat everyone alike, or no one."
    )
