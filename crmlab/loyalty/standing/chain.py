"""From satisfaction to loyalty to leaving: what goes with what, and how strongly."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.errors import refuse
from crmlab.stats import Estimate

__all__ = ["LEAVERS_A_COEFFICIENT", "leaving_by_loyalty", "path_to_loyalty"]

LEAVERS_A_COEFFICIENT = 5  # Vittinghoff and McCulloch (2007): five are often enough where one coefficient is read
_FEWEST_ROWS = 50
_STEPS = 30


def path_to_loyalty(frame: pd.DataFrame, *, level: float = 0.95) -> Estimate:
    """Estimate how far loyalty moves with satisfaction, in standard deviations, the image of the bank held.

    Parameters
    ----------
    frame : DataFrame
        ``attitude``, ``satisfaction``, ``weight``, ``customer_id``; ``image`` where the survey has it.

    Notes
    -----
    Weighted least squares of standardised indices, errors clustered by customer. An association: who likes the bank
    answers well on both. Errors of the items pull it towards 0; `crmlab.satisfaction.path_models` frees it of them.
    """
    names = ["satisfaction", *(["image"] if "image" in frame else [])]
    kept = frame.dropna(subset=["attitude", *[name for name in names if name in frame]])
    refuse(
        *([] if "satisfaction" in frame else ["path to loyalty: satisfaction was not asked. Ask for it with loyalty."]),
        *([f"path to loyalty: {len(kept)} responses; {_FEWEST_ROWS} are needed. Wait for the next wave."]
          if len(kept) < _FEWEST_ROWS else []),
    )  # fmt: skip
    w = kept["weight"].to_numpy(dtype=float)
    columns = [_standard(kept[name].to_numpy(dtype=float), w) for name in ("attitude", *names)]
    y, design = columns[0], np.column_stack(columns[1:])
    inverse = np.linalg.inv(design.T @ (design * w[:, None]))
    slope = inverse @ design.T @ (w * y)
    group = pd.factorize(kept["customer_id"])[0]
    error, count = _sandwich(design * (w * (y - design @ slope))[:, None], inverse, group)
    step = float(laws.t.ppf((1 + level) / 2, count - 1)) * error[0]
    method = "weighted least squares, clustered by customer"
    return Estimate(float(slope[0]), "sd", slope[0] - step, slope[0] + step, len(kept), method, level)


def leaving_by_loyalty(frame: pd.DataFrame, *, points: float = 10.0, level: float = 0.95) -> dict[str, Estimate]:
    """Estimate by which factor the odds of leaving go with more points of each index, the other one held.

    Parameters
    ----------
    frame : DataFrame
        One row a customer and wave: ``attitude``, ``behaviour``, ``left`` (0 or 1), ``weight``, ``customer_id``; if
        present ``age_years`` and ``satisfaction`` as controls. Rows with gaps are left out.
    points : float
        Size of the step, above 0.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    dict of str to Estimate
        ``attitude``, ``behaviour`` (as far as they vary): odds ratio of leaving for the step.

    Notes
    -----
    Weighted logistic regression with Firth's penalty, errors clustered by customer. Satisfaction is held in
    ``attitude_given_satisfaction`` only, for loyalty stands between satisfaction and leaving. Associations: a customer
    whose mind is made up answers low.

    References
    ----------
    Firth (1993), Biometrika 80, 27-38; Vittinghoff and McCulloch (2007), American Journal of Epidemiology 165.
    """
    found = {}
    indices = [name for name in ("attitude", "behaviour") if name in frame and frame[name].notna().any()]
    for label, extra in (("", ()), ("_given_satisfaction", ("satisfaction",))):
        if extra and not (set(extra) <= set(frame.columns) and frame[list(extra)].notna().any().all()):
            continue
        controls = [name for name in ("age_years", *extra) if name in frame and frame[name].notna().mean() > 0.9]
        if "wave" in frame and frame["wave"].nunique() > 1:
            controls.append("wave")
        kept = frame.dropna(subset=[*indices, *controls, "left"])
        design, columns = _columns(kept, [*indices, *controls])
        leavers = int(min(kept["left"].sum(), (1 - kept["left"]).sum())) if len(kept) else 0
        needed = LEAVERS_A_COEFFICIENT * len(columns)
        refuse(*([f"leaving by loyalty: {leavers} leavers for {len(columns)} coefficients; {needed} are needed. "
                  "Take more waves."] if leavers < needed else []))  # fmt: skip
        slope, error, count = _logistic(design, kept)
        scale = design.std(axis=0)
        for name in indices if not label else indices[:1]:
            at = columns.index(name)
            value, step = (
                points * slope[at + 1] / scale[at],
                float(laws.t.ppf((1 + level) / 2, count - 1)) * abs(points * error[at + 1] / scale[at]),
            )
            limits = np.exp([value - step, value + step])
            method = "logistic regression, clustered by customer"
            found[f"{name}{label}"] = Estimate(
                float(np.exp(value)), "", float(limits[0]), float(limits[1]), len(kept), method, level
            )
    return found


def _columns(kept: pd.DataFrame, names: list[str]) -> tuple[np.ndarray, list[str]]:
    parts = {}
    for name in names:
        if name == "wave":
            parts |= {f"wave {one}": (kept[name] == one).to_numpy(float) for one in sorted(kept[name].unique())[1:]}
        else:
            parts[name] = kept[name].to_numpy(dtype=float)
    parts = {name: values for name, values in parts.items() if len(values) and np.ptp(values) > 0}
    return np.column_stack(list(parts.values())) if parts else np.zeros((len(kept), 0)), list(parts)


def _logistic(design: np.ndarray, kept: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, float]:
    """Slopes on standardised columns, the constant first, their errors, and the number of customers."""
    y, w = kept["left"].to_numpy(dtype=float), kept["weight"].to_numpy(dtype=float)
    w = w / w.mean()
    x = np.column_stack([np.ones(len(y)), (design - design.mean(axis=0)) / design.std(axis=0)])
    slope = np.zeros(x.shape[1])
    share = (w @ y + 0.5) / (w.sum() + 1)
    slope[0] = np.log(share / (1 - share))
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(x @ slope, -35, 35)))
        bend = w * chance * (1 - chance)
        inverse = np.linalg.inv((x * bend[:, None]).T @ x)
        leverage = bend * np.einsum("ij,ij->i", x @ inverse, x)
        pull = x * (w * (y - chance) + leverage * (0.5 - chance))[:, None]
        step = inverse @ pull.sum(axis=0)
        slope = slope + step * min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        if np.abs(step).max() < 1e-8:
            break
    group = pd.factorize(kept["customer_id"])[0]
    error, count = _sandwich(x * (w * (y - chance))[:, None], inverse, group)
    return slope, error, count


def _sandwich(terms: np.ndarray, inverse: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, float]:
    sums = np.zeros((group.max() + 1, terms.shape[1]))
    np.add.at(sums, group, terms)
    count = len(sums)
    return np.sqrt(np.diag(inverse @ sums.T @ sums @ inverse) * count / max(count - 1, 1)), float(count)


def _standard(values: np.ndarray, w: np.ndarray) -> np.ndarray:
    mean = np.average(values, weights=w)
    spread = np.sqrt(np.average((values - mean) ** 2, weights=w))
    return (values - mean) / (spread if spread > 0 else 1.0)
