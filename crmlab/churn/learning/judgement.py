"""Rows that were judged become measures with intervals: pooled, by origin, against rivals, before and after repair."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.stats.calibration import brier, calibration_error
from crmlab.stats.differences import Difference, holm
from crmlab.stats.estimate import Estimate
from crmlab.stats.evidence import Evidence
from crmlab.stats.gains import lift, lift_difference
from crmlab.stats.profit import RetentionOffer, expected_maximum_profit
from crmlab.stats.ranking import auc, auc_within_periods, average_precision, ranking_difference

__all__ = ["MEASURES", "by_origin", "differences", "measured", "repaired"]

MEASURES = {
    "auc": "AUC, pooled",
    "auc_within": "AUC within a period",
    "average_precision": "average precision",
    "lift_10": "lift of the first 10 %",
    "brier": "Brier score",
    "profit": "expected maximum profit a customer",
}
_SHARE = 0.1


def measured(
    scores: pd.DataFrame, names: Sequence[str], offer: RetentionOffer | None, resamples: int, seed: int, told: str
) -> Evidence:
    """Measure each learner on all rows judged; as `Backtest.measures`."""
    y, whose, periods = _parts(scores)
    rows, estimates = [], {}
    for name in names:
        p = scores[f"p_{name}"]
        found = {
            "auc": auc(y, p, customers=whose),
            "average_precision": average_precision(y, p, customers=whose),
            "lift_10": lift(y, p, share=_SHARE, customers=whose, resamples=resamples, seed=seed),
            "brier": brier(y, p, customers=whose).score,
            "profit": expected_maximum_profit(
                y, p, offer=offer, customers=whose, resamples=resamples, seed=seed
            ).profit,
        }  # fmt: skip
        if periods is not None:
            found["auc_within"] = auc_within_periods(y, p, periods, customers=whose)
        for measure in MEASURES:
            if measure in found:
                one = found[measure]
                estimates[f"{name}_{measure}"] = one
                rows.append((name, measure, one.value, one.low, one.high, one.unit, one.n))
    frame = pd.DataFrame(rows, columns=["learner", "measure", "value", "low", "high", "unit", "n"])
    frame = frame.astype({"value": float, "low": float, "high": float})
    head = estimates[f"{names[0]}_auc" if periods is None else f"{names[0]}_auc_within"]
    kind = "" if periods is None else " within a date"
    return Evidence(
        frame,
        title=f"The learner ranks{kind} with an AUC of {head.value:.3f}",
        about=f"{len(scores):,} rows judged, {int(y.sum()):,} events; 95 % intervals clustered by customer",
        reading=f"{told} The learner ranks{kind} with an AUC of {head.text}.",
        estimates=estimates,
    )


def by_origin(scores: pd.DataFrame, is_dated: bool, resamples: int, seed: int) -> Evidence:
    """Measure the learner on each origin (or fold); as `Backtest.by_origin`."""
    key = "as_of" if is_dated else "fold"
    rows = []
    for origin, part in scores.groupby(key, sort=True):
        y, p = part["outcome"].to_numpy(dtype=float), part["p_model"].to_numpy()
        ranked, found = auc(y, p, customers=part["customer_id"]), calibration_error(y, p, seed=seed)
        top = lift(y, p, share=_SHARE, customers=part["customer_id"], resamples=resamples, seed=seed)
        rows.append(
            (origin, len(part), int(y.sum()), float(y.mean()), float(p.mean()), ranked.value, ranked.low, ranked.high,
             top.value, top.low, top.high, brier(y, p).score.value, found.value, found.expected, found.chance_high,
             found.is_beyond_chance)
        )  # fmt: skip
    names = [
        key, "n", "events_count", "event_share", "p_mean", "auc", "auc_low", "auc_high", "lift_10", "lift_10_low",
        "lift_10_high", "brier", "ece", "ece_expected", "ece_chance_high", "is_beyond_chance",
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=names)
    kinds = [n for n in names if n not in (key, "n", "events_count", "is_beyond_chance")]
    frame = frame.astype(dict.fromkeys(kinds, float))
    off, word = int(frame["is_beyond_chance"].sum()), "date" if is_dated else "fold"
    low, high = frame["auc"].min(), frame["auc"].max()
    return Evidence(
        frame,
        title=f"Probabilities are off beyond chance on {off} of {len(frame)} {word}s",
        about=f"By {word}: AUC with 95 % interval; calibration error and what right probabilities exceed 1 time in 20",
        reading=f"By {word} the AUC lies from {low:.3f} to {high:.3f}; the calibration error is beyond chance on {off} "
        f"of {len(frame)}.",
    )


def differences(scores: pd.DataFrame, rivals: Sequence[str], resamples: int, seed: int, told: str) -> Evidence:
    """Hold the learner against each rival on the same rows; as `Backtest.differences`."""
    y, whose, periods = _parts(scores)
    looks: list[tuple[str, str, Difference]] = []
    for rival in rivals:
        p, other = scores["p_model"], scores[f"p_{rival}"]
        looks.append((rival, "auc" if periods is None else "auc_within",
                      ranking_difference(y, p, other, periods=periods, customers=whose)))  # fmt: skip
        looks.append((rival, "average_precision",
                      ranking_difference(y, p, other, measure="average_precision", customers=whose)))  # fmt: skip
        looks.append((rival, "lift_10", lift_difference(y, p, other, share=_SHARE, customers=whose,
                                                        resamples=resamples, seed=seed)))  # fmt: skip
        looks.append((rival, "brier", _brier_difference(y, p, other, whose)))
    frame = pd.DataFrame(
        [(r, m, d.estimate.value, d.estimate.low, d.estimate.high, d.p_value) for r, m, d in looks],
        columns=["rival", "measure", "difference", "low", "high", "p_value"],
    ).astype(dict.fromkeys(("difference", "low", "high", "p_value"), float))
    corrected = holm(frame["p_value"].to_numpy())
    better = np.where(frame["measure"].eq("brier"), frame["difference"] < 0, frame["difference"] > 0)
    verdict = np.where(~(corrected < 0.05), "no sure difference", np.where(better, "better", "worse"))
    frame = frame.assign(p_value_holm=corrected, verdict=verdict)
    first = frame[frame["measure"].isin(["auc", "auc_within"])]
    beaten = first.loc[first["verdict"] == "better", "rival"].tolist()
    lost = first.loc[first["verdict"] == "worse", "rival"].tolist()
    said = [
        f"{one.rival} by {one.difference:+.3f} ({one.low:+.3f} to {one.high:+.3f}: {one.verdict})"
        for one in first.itertuples()
    ]
    title = f"In AUC the learner beats {len(beaten)} of {len(first)} rivals" + (
        f", loses to {len(lost)}" if lost else ""
    )
    return Evidence(
        frame,
        title=title,
        about=f"Learner less rival on the same {len(scores):,} rows; 95 % intervals by customer; Holm over all looks",
        reading=f"In AUC against {'; against '.join(said)}." if said else "There is no rival.",
        estimates={f"{r}_{m}_difference": d.estimate for r, m, d in looks},
    )


def repaired(scores: pd.DataFrame, is_dated: bool) -> Evidence:
    """Calibration error by origin before and after the learner's own correction; as `Backtest.repair`."""
    key = "as_of" if is_dated else "fold"
    rows = []
    for origin, part in scores.groupby(key, sort=True):
        y = part["outcome"].to_numpy(dtype=float)
        before, after = (calibration_error(y, part[c].to_numpy()) for c in ("p_raw", "p_model"))
        moved = not np.allclose(part["p_raw"], part["p_model"], rtol=1e-9, atol=1e-12)
        rows.append((origin, len(part), float(y.mean()), float(part["p_raw"].mean()), float(part["p_model"].mean()),
                     before.value, after.value, after.chance_high, moved))  # fmt: skip
    frame = pd.DataFrame(
        rows,
        columns=[key, "n", "event_share", "p_mean_before", "p_mean_after", "ece_before", "ece_after", "ece_chance_high",
                 "is_corrected"],
    )  # fmt: skip
    used, word = frame[frame["is_corrected"]], "date" if is_dated else "fold"
    if used.empty:
        title = "No correction was called for"
        said = f"On none of {len(frame)} {word}s did the rows held back ask for a correction."
    else:
        before, after = (float(np.average(used[c], weights=used["n"])) for c in ("ece_before", "ece_after"))
        way = "cut" if after < before else "raised"
        title = f"The correction {way} the calibration error to {after:.3f}"
        said = (
            f"On {len(used)} of {len(frame)} {word}s the latest known rows asked for a correction: it {way} the "
            f"calibration error from {before:.3f} to {after:.3f}."
        )
    return Evidence(
        frame,
        title=title,
        about=f"Calibration error by {word}, before and after the correction learned on rows held back",
        reading=said,
    )


def _parts(scores: pd.DataFrame) -> tuple[np.ndarray, pd.Series, pd.Series | None]:
    periods = scores["as_of"] if scores["as_of"].nunique() > 1 else None
    return scores["outcome"].to_numpy(dtype=float), scores["customer_id"], periods


def _brier_difference(y: np.ndarray, first: pd.Series, second: pd.Series, whose: pd.Series) -> Difference:
    gap = (first.to_numpy() - y) ** 2 - (second.to_numpy() - y) ** 2
    value, n = float(gap.mean()), len(gap)
    off = np.bincount(pd.factorize(whose.astype("str"))[0], gap - value)
    error = float(np.sqrt(np.sum(off**2)) / n * math.sqrt(len(off) / max(len(off) - 1, 1)))
    reach = float(laws.norm.ppf(0.975)) * error
    p = float(2 * laws.norm.sf(abs(value) / error)) if error > 0 else (1.0 if value == 0 else 0.0)
    found = Estimate(value, unit="index", low=value - reach, high=value + reach, n=n, method="paired, normal")
    return Difference(found, error, p)
