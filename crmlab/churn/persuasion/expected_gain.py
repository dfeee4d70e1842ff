"""What a call to each customer is expected to earn, from what a trial has shown: single effects, or the mean effect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.churn.persuasion.call_lists import JudgedLists
from crmlab.churn.persuasion.retention_trial import RetentionTrial
from crmlab.stats import Estimate
from crmlab.stats.effect_learners import EffectLearner
from crmlab.stats.heterogeneity import effect_line
from crmlab.stats.targeting import expected_net_value

__all__ = ["gain_by_mean_effect", "gain_by_single_effects"]

_KINDS = {"effect_t": "t", "effect_x": "x", "effect_dr": "dr"}


def gain_by_mean_effect(
    stakes: pd.DataFrame, effect: Estimate, held_out_left_share: float, *, cost_amount: float
) -> pd.DataFrame:
    """Expected net value if a call keeps the same share of would-be leavers at every level of risk.

    Parameters
    ----------
    stakes : DataFrame
        ``p_churn`` and ``value_amount`` by customer.
    effect : Estimate
        Of contacts on leaving, in the trial (below 0: fewer left).
    held_out_left_share : float
        Share of those held out that left.
    cost_amount : float
        Of a call.

    Returns
    -------
    DataFrame
        Index of `stakes`: ``effect`` (on staying), ``net_value_amount``, ``net_low_amount``, ``net_high_amount``,
        ``judged_net_amount`` (for sums: the net value by the effect found in the trial).

    Notes
    -----
    Share kept = - effect / share of the held out that left; effect of a customer = p_churn x share kept. That the share
    is the same for all is an assumption: the trial did not show otherwise, nor did it show this. The limits are those
    of the mean effect and go up and down for all customers together.

    Examples
    --------
    >>> stakes = pd.DataFrame({"p_churn": [0.2], "value_amount": [1000.0]}, index=["a"])
    >>> found = gain_by_mean_effect(stakes, Estimate(-0.02, "share", -0.03, -0.01), 0.10, cost_amount=6.5)
    >>> found.round(2).values.tolist()
    [[0.04, 33.5, 13.5, 53.5, 33.5]]
    """
    base = held_out_left_share if held_out_left_share > 0 else np.nan
    kept, low, high = (min(-part / base, 1.0) for part in (effect.value, effect.high, effect.low))
    risk = stakes["p_churn"]
    return _gains(stakes, *((risk * share).clip(lower=risk - 1) for share in (kept, low, high)), cost_amount)


def gain_by_single_effects(
    stakes: pd.DataFrame,
    seen: pd.DataFrame,
    trial: RetentionTrial,
    judged: JudgedLists,
    *,
    cost_amount: float,
    seed: int = 1,
) -> pd.DataFrame:
    """Expected net value from effects learned in the trial.

    Parameters
    ----------
    stakes : DataFrame
        ``value_amount`` by customer.
    seen : DataFrame
        Snapshot of the same customers.
    trial, judged
        Trial with usable heterogeneity.
    cost_amount : float
        Of a call.
    seed : int
        Of the learner.

    Returns
    -------
    DataFrame
        As `gain_by_mean_effect`. Learned effects are brought to the size found in the trial (a line). The limits and
        ``judged_net_amount`` take the effect found among customers of the trial with a like predicted effect (five
        groups), which no form of the learner can bend. Words not seen in the trial count as not known.
    """
    features = trial.features[trial.columns]
    rows = trial.rows.loc[features.index]
    kind = _KINDS[judged.heterogeneity.best]
    learner = EffectLearner(kind, seed=seed).fit(
        features, rows["stayed"], rows["is_treated"], treated_share=rows["treated_share"], customers=rows["customer_id"]
    )
    learned = learner.predict_effect(_as_in_trial(seen.loc[stakes.index], features))
    judged_by = judged.found[judged.heterogeneity.best]
    intercept, slope = effect_line(judged_by, judged.found["score"])
    effect = intercept + slope * learned
    groups = judged.heterogeneity.groups
    cuts = np.quantile(judged_by, np.arange(len(groups) - 1, 0, -1) / len(groups))
    place = (learned.to_numpy()[:, None] < cuts[None, :]).sum(axis=1)
    found, low, high = (pd.Series(groups[name].to_numpy()[place], stakes.index)
                        for name in ("effect", "effect_low", "effect_high"))  # fmt: skip
    return _gains(stakes, effect, np.minimum(low, effect), np.maximum(high, effect), cost_amount, found)


def _as_in_trial(seen: pd.DataFrame, features: pd.DataFrame) -> pd.DataFrame:
    """Bring a snapshot to the columns of the trial; what was not seen there is not known."""
    made = seen.reindex(columns=features.columns)
    for name in made:
        if not pd.api.types.is_numeric_dtype(features[name]):
            words = made[name].astype("str").where(made[name].notna())
            made[name] = words.where(words.isin(features[name].dropna().astype("str")))
        elif not pd.api.types.is_numeric_dtype(made[name]):
            made[name] = np.nan
    return made


def _gains(
    stakes: pd.DataFrame,
    effect: pd.Series,
    low: pd.Series,
    high: pd.Series,
    cost: float,
    found: pd.Series | None = None,
) -> pd.DataFrame:
    value = stakes["value_amount"]
    ends = pd.DataFrame({"one": expected_net_value(low, value, cost), "two": expected_net_value(high, value, cost)})
    return pd.DataFrame(
        {
            "effect": effect,
            "net_value_amount": expected_net_value(effect, value, cost),
            "net_low_amount": ends.min(axis=1),  # a negative value turns the limits round
            "net_high_amount": ends.max(axis=1),
            "judged_net_amount": expected_net_value(effect if found is None else found, value, cost),
        }
    )
