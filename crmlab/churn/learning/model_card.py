"""The card of a model: what it is for, how good it is, where it fails, who answers for it, until when."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crmlab.churn.learning.backtest import Backtest
from crmlab.churn.learning.learner import ChurnModel
from crmlab.errors import refuse
from crmlab.snapshots.dates import read_date
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence

__all__ = ["CARD_FIELDS", "ModelCard", "model_card"]

# Field -> what a reader finds there; every one must be filled.
CARD_FIELDS = {
    "purpose": "what the scores are for, and what not",
    "population": "which customers are scored, and who is left out",
    "label": "what counts as leaving",
    "windows": "observation, gap and outcome",
    "fingerprint": "which data it was learned from",
    "owner": "who answers for it",
    "expires_on": "from when it must not be used without a new judgement",
    "limitations": "where it fails",
}
_SAID = {
    "auc": "AUC", "auc_within": "AUC within a date", "average_precision": "Average precision",
    "lift_10": "Lift of the first 10 %", "brier": "Brier score", "profit": "Expected maximum profit a customer",
}  # fmt: skip


@dataclass(frozen=True)
class ModelCard:
    """A card as rows of part, field and text.

    Parameters
    ----------
    frame : DataFrame
        ``part``, ``field``, ``text``, in reading order.
    metrics : dict of str to Estimate
        The numbers behind it.
    subgroups : DataFrame
        As `crmlab.stats.subgroups`.
    expires_on : date
    """

    frame: pd.DataFrame
    metrics: dict[str, Estimate]
    subgroups: pd.DataFrame
    expires_on: dt.date

    def as_dict(self) -> dict[str, Any]:
        """Plain values, to be kept beside the model."""
        groups = self.subgroups.astype(object).where(self.subgroups.notna(), None)
        return {
            "card": self.frame.to_dict("records"),
            "metrics": {name: one.as_dict() for name, one in self.metrics.items()},
            "subgroups": groups.to_dict("records"),
            "expires_on": str(self.expires_on),
        }

    def is_expired(self, today: object) -> bool:
        """Whether the card has run out on a day."""
        return read_date(today) >= self.expires_on


def model_card(
    *,
    model: ChurnModel | None,
    backtest: Backtest | None,
    subgroups: Evidence | None,
    drift_limits: Mapping[str, str] | None,
    purpose: str = "",
    population: str = "",
    label: str = "",
    windows: str = "",
    fingerprint: str = "",
    owner: str = "",
    expires_on: object = "",
    limitations: Sequence[str] = (),
) -> ModelCard:
    """Write the card of a model, or refuse when something is missing.

    Parameters
    ----------
    model : ChurnModel
        Learned.
    backtest : Backtest
        How it did: the card's numbers come from here.
    subgroups : Evidence
        As `crmlab.stats.subgroups` on the rows judged.
    drift_limits : mapping of str to str
        What is watched (such as ``"score"``), and the limit from which the model is judged anew, in words.
    purpose, population, label, windows, fingerprint, owner : str
        See `CARD_FIELDS`.
    expires_on : date or str
    limitations : sequence of str
        At least one.

    Notes
    -----
    The parts follow Mitchell et al.; purpose, soundness, monitoring and outcomes are what the supervisors' letter SR
    11-7 asks of a bank's model.

    References
    ----------
    Mitchell et al. (2019), Model cards for model reporting, FAT*; Board of Governors (2011), SR 11-7, Guidance on model
    risk management.

    Examples
    --------
    >>> model_card(model=None, backtest=None, subgroups=None, drift_limits={"score": "PSI"}, purpose="whom to call",
    ...     population="all", label="closing", windows="3 months", fingerprint="ab12", owner="CRM",
    ...     expires_on="2026-06-30", limitations=["no shocks"])
    Traceback (most recent call last):
    crmlab.errors.CrmlabError: 3 problems:
    - model_card: model is missing. Give a learned ChurnModel.
    - model_card: backtest is missing. Give the Backtest of this model.
    - model_card: subgroups is missing. Give crmlab.stats.subgroups of the rows judged.
    """  # fmt: skip
    texts = {
        "purpose": purpose, "population": population, "label": label, "windows": windows, "fingerprint": fingerprint,
        "owner": owner,
    }  # fmt: skip
    told = [str(one).strip() for one in ([limitations] if isinstance(limitations, str) else limitations)]
    told = [one for one in told if one]
    learned = model is not None and hasattr(model, "boosters_")
    refuse(
        *(["model_card: model is missing. Give a learned ChurnModel."] * (not learned)),
        *(["model_card: backtest is missing. Give the Backtest of this model."] * (backtest is None)),
        *(["model_card: subgroups is missing. Give crmlab.stats.subgroups of the rows judged."] * (subgroups is None)),
        *(["model_card: drift_limits is missing. Say what is watched, and from which limit the model is judged anew."]
          * (not drift_limits)),
        *(f"model_card: {name} is missing. Say {CARD_FIELDS[name]}."
          for name, text in texts.items() if not str(text).strip()),
        *([f"model_card: expires_on is missing. Say {CARD_FIELDS['expires_on']}."]
          * (not str(expires_on or "").strip())),
        *([f"model_card: limitations is missing. Say {CARD_FIELDS['limitations']}."] * (not told)),
    )  # fmt: skip
    assert model is not None
    assert backtest is not None
    assert subgroups is not None
    assert drift_limits is not None
    day = read_date(expires_on)
    metrics = {
        name.removeprefix("model_"): one
        for name, one in backtest.measures.estimates.items()
        if name.startswith("model_") and math.isfinite(one.value)
    }
    groups = [("Groups", "groups", subgroups.reading)]
    rows = [
        ("Use", "purpose", purpose), ("Use", "population", population), ("Use", "owner", owner),
        ("Use", "expires on", str(day)),
        ("Outcome", "label", label), ("Outcome", "windows", windows),
        *_learned(model, fingerprint),
        ("Judgement", "how", backtest.told),
        *(("Judgement", _SAID.get(name, name), one.text) for name, one in metrics.items()),
        ("Judgement", "against rivals", backtest.differences.reading),
        ("Calibration", "by date" if backtest.is_dated else "by fold", backtest.by_origin.reading),
        ("Calibration", "correction", backtest.repair.reading),
        *groups,
        *(("Monitoring", str(name), str(limit)) for name, limit in drift_limits.items()),
        *(("Limits", f"limit {k}", one) for k, one in enumerate([*told, *backtest.notes[:5]], start=1)),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["part", "field", "text"]).astype("str")
    return ModelCard(frame, metrics, subgroups.frame, day)


def _learned(model: ChurnModel, fingerprint: str) -> list[tuple[str, str, str]]:
    prepared = model.preparation_
    share = 100 * model.base_rate_
    rows = f"{model.n_:,} rows, {model.events_count_:,} events ({share:.2f} %)"
    if model.first_on_:
        rows = (
            f"{model.n_:,} rows, {model.events_count_:,} events ({share:.2f} %), {model.first_on_} to {model.last_on_}"
        )
    signs = ", ".join(f"{name} {'rises' if s > 0 else 'falls'}" for name, s in sorted(model.monotone.items())) or "none"
    left_out = "; ".join(f"{name}: {reason}" for name, reason in prepared.dropped_.items()) or "none"
    return [
        ("Learning", "rows", rows),
        ("Learning", "fingerprint of the data", fingerprint),
        ("Learning", "method", f"LightGBM, {len(model.boosters_)} members of {model.rounds_} trees; rows held back: "
         f"{model.held_back_}; no resampling, no class weights"),
        ("Learning", "columns", f"{len(prepared.columns_)} in use; left out: {left_out}"),
        ("Learning", "monotone", signs),
        ("Learning", "probabilities", model.notes_[-1]),
    ]  # fmt: skip
