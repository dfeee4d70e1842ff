"""A model of an earlier run, judged on what came after the last that it knew."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import expit

from crmlab.churn.learning.backtest import Backtest
from crmlab.churn.learning.judgement import by_origin, measured, repaired
from crmlab.churn.learning.learner import ChurnModel
from crmlab.stats.calibration import reliability
from crmlab.stats.evidence import Evidence

__all__ = ["judge_kept"]

_RESAMPLES = 200


def judge_kept(panel: pd.DataFrame, model: ChurnModel, outcome: str, seed: int = 1) -> Backtest:
    """Hold what a kept model says of later dates against what happened.

    Parameters
    ----------
    panel : DataFrame
        Rows of dates after the last that the model learned from: ``customer_id``, ``as_of``, features, outcome.
    model : ChurnModel
    outcome : str
        Column that says what happened.
    seed : int

    Returns
    -------
    Backtest
        Without rivals: nothing is learned anew.
    """
    known = model.preparation_
    features, strange = known.with_known_words(panel[[*known.columns_]])
    p = model.predict_proba(features).to_numpy(dtype=float)
    scores = pd.DataFrame(
        {
            "customer_id": panel["customer_id"],
            "outcome": panel[outcome].astype(float),
            "as_of": pd.to_datetime(panel["as_of"]).dt.date,
            "fold": 0,
            "place": np.arange(len(panel)),
            "p_model": p,
            "p_raw": expit(model.score(features).to_numpy(dtype=float)),
        },
        index=panel.index,
    )
    dates = sorted(scores["as_of"].unique())
    told = f"Kept by an earlier run, which knew outcomes of dates up to {model.last_on_}; judged on {len(dates)} later."
    nothing = Evidence(
        pd.DataFrame(columns=["rival", "measure", "difference"]), "", "", "A kept model has no rivals here."
    )
    return Backtest(
        scores=scores,
        measures=measured(scores, ["model"], None, _RESAMPLES, seed, told),
        by_origin=by_origin(scores, True, _RESAMPLES, seed),
        differences=nothing,
        repair=repaired(scores, True),
        reliability=reliability(scores["outcome"], scores["p_model"], customers=scores["customer_id"]),
        is_dated=True,
        told=told,
        notes=tuple(f"{n:,} rows have a word in {c} that was new." for c, n in strange.items()),
    )
