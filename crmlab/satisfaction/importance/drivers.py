"""What goes with satisfaction: drivers ranked by several measures, with intervals and a warning of undue credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.importance.driver_shares import DriverShares, driver_shares
from crmlab.satisfaction.path_models.moment_sums import MomentSums
from crmlab.satisfaction.path_models.responses import responses
from crmlab.stats.estimate import Estimate, share_text
from crmlab.stats.evidence import Evidence
from crmlab.stats.resampling import percentile_limits

__all__ = ["LARGE_CREDIT_SHARE", "NO_OWN_SHARE", "driver_importance"]

LARGE_CREDIT_SHARE = 0.05  # of R2: credit from here on is worth a word
NO_OWN_SHARE = 0.01  # of R2: a unique contribution below is as good as none
_ROWS_A_DRIVER = 5
_ROWS = 30


def driver_importance(
    frame: pd.DataFrame,
    *,
    target: str,
    drivers: Sequence[str],
    weight: str | None = None,
    customer: str | None = None,
    resamples: int = 1_000,
    seed: int = 1,
    level: float = 0.95,
) -> Evidence:
    """Say which drivers go with the target, how strongly, how surely, and whose credit is doubtful.

    Parameters
    ----------
    frame : DataFrame
        One row a response; scores as numbers on any scale. Rows with a gap in target or drivers are left out.
    target : str
        Column of what is to be explained, such as the satisfaction score.
    drivers : sequence of str
        Columns of the drivers, 1 to 12.
    weight : str, optional
        Column of survey weights, above 0; None: each response counts one.
    customer : str, optional
        Column that names the customer; responses of one customer are then drawn together.
    resamples, seed : int
        Of the bootstrap; same seed, same limits.
    level : float
        Confidence level, 0 to 1.

    Returns
    -------
    Evidence
        ``frame``: one row a driver, most credit first: ``driver``; ``lmg``, ``johnson``, ``first``, ``last`` (shares
        of the target's variance, 0 to 1), ``lmg_share`` (share of R2, 0 to 1), ``beta`` (standard deviations),
        ``correlation``, ``rank`` (by LMG), each with ``_low`` and ``_high``; ``vif``; ``credit_doubt`` (text, empty
        for none), ``is_credit_doubtful``; ``n`` responses. ``estimates``: ``r_squared``, and ``lmg_share_`` with the
        name of each driver.

    Notes
    -----
    A credit is doubtful where LMG gives a driver at least 5 % of R2 while the interval of its beta covers 0: with
    less than 1 % of R2 on its own (`last`) the others explain as much without it, with more these responses do not
    show that anything is its own. It is doubtful too where coefficient and correlation have opposite signs and neither
    interval covers 0: what is credited is then not what more of the driver goes with.

    The numbers describe who answered; a driver is not a cause because it ranks first. R2 and the credit of a driver
    without effect are a little too large in small samples. Percentile limits of a share never cover 0.

    Measured (benchmarks/driver_intervals.py, 400 samples each, four drivers correlated at .6 to .8): the 95 % limits of
    LMG, Johnson, beta and LMG's share of R2 covered the truth in 91.5 to 95.5 % at n = 150, 92.8 to 96.2 % at 400 and
    1,500. A driver without effect, credited with 18.6 % of R2, was called doubtful in 97.5 % or more; of the true
    drivers the weakest (beta .20) in 46.8 % at 150, 8.5 % at 400, 0 % at 1,500.

    References
    ----------
    Groemping (2007), Estimators of relative importance in linear regression based on variance decomposition, The
    American Statistician 61; Tonidandel and LeBreton (2011), Relative importance analysis: a useful supplement to
    regression analysis, Journal of Business and Psychology 26.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> service = rng.normal(7, 1.5, 400)
    >>> frame = pd.DataFrame({"service": service, "image": 0.8 * service + rng.normal(1, 0.9, 400)})
    >>> frame["satisfaction"] = 0.7 * service + rng.normal(2, 1, 400)
    >>> found = driver_importance(frame, target="satisfaction", drivers=["service", "image"], resamples=200)
    >>> found.frame[["driver", "lmg_share", "last", "is_credit_doubtful"]].round(2).values.tolist()
    [['service', 0.72, 0.23, False], ['image', 0.28, 0.0, True]]
    >>> found.title
    'service has 71.8 % of what the drivers explain of satisfaction'
    """
    names = list(drivers)
    _check(frame, target, names, weight, customer, resamples)
    columns = [*names, target]
    kept = frame.loc[frame[columns + ([weight] if weight else [])].notna().all(axis=1)]
    _check_rows(kept, columns, names, weight)
    sums = MomentSums(responses(kept, columns, weights=weight, clusters=customer, missing="complete"))
    here = driver_shares(sums.whole()[1])
    drawn = _resampled(sums, resamples, seed)
    table = _table(here, drawn, names, level).assign(n=len(kept))
    table["credit_doubt"] = [_doubt(row) for row in table.to_dict("records")]
    table["is_credit_doubtful"] = table["credit_doubt"] != ""
    table = table.sort_values("lmg", ascending=False, kind="stable", ignore_index=True)
    method = f"bootstrap, {resamples:,} resamples{' of customers' if customer else ''}{', weighted' if weight else ''}"
    low, high = percentile_limits(drawn.r_squared, level)
    known = {"n": len(kept), "method": method, "level": level}
    estimates = {"r_squared": Estimate(float(here.r_squared), "share", float(low), float(high), **known)}
    for row in table.to_dict("records"):
        limits = (row["lmg_share_low"], row["lmg_share_high"])
        estimates[f"lmg_share_{row['driver']}"] = Estimate(row["lmg_share"], "share", *limits, **known)
    return Evidence(
        table, _title(table, target), _about(kept, frame, target, level, method), _reading(table, estimates), estimates
    )


def _check(
    frame: pd.DataFrame, target: str, names: list[str], weight: str | None, customer: str | None, resamples: int
) -> None:
    asked = [*names, target, *([weight] if weight else []), *([customer] if customer else [])]
    missing = [name for name in dict.fromkeys(asked) if name not in frame.columns]
    problems = [
        f"drivers: the frame lacks column {name!r}.{nearest(name, frame.columns)} Name a column of the frame."
        for name in missing
    ]
    if not names:
        problems.append("drivers: no driver is named. Name at least one column.")
    if target in names:
        problems.append(f"drivers: {target!r} is both target and driver. Leave it out of the drivers.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems.append(f"drivers: {', '.join(twice)} stand twice among the drivers. Name each once.")
    words = [
        name for name in (*names, target) if name in frame.columns and not pd.api.types.is_numeric_dtype(frame[name])
    ]
    if words:
        problems.append(f"drivers: {', '.join(words)} hold no numbers. Code the answers as scores first.")
    if resamples < 100:
        problems.append(f"drivers: {resamples} resamples give no limits. Ask for 100 or more.")
    refuse(*problems)


def _check_rows(kept: pd.DataFrame, columns: list[str], names: list[str], weight: str | None) -> None:
    problems = []
    needed = max(_ROWS, _ROWS_A_DRIVER * len(names))
    if len(kept) < needed:
        problems.append(
            f"drivers: {len(kept)} complete responses for {len(names)} drivers; {needed} are needed. "
            "Name fewer drivers, fill gaps first, or take more waves."
        )
    elif constant := [name for name in columns if kept[name].nunique() < 2]:
        problems.append(f"drivers: {', '.join(constant)} do not vary. Leave them out.")
    else:
        related = np.corrcoef(kept[names].to_numpy(dtype=float), rowvar=False).reshape(len(names), len(names))
        if np.linalg.eigvalsh(related)[0] < 1e-8:
            problems.append(
                "drivers: one driver is a sum of others, so that no share is its own. Leave out the total or a part."
            )
    if weight and not (kept[weight] > 0).all():
        problems.append(f"drivers: {weight!r} holds weights of 0 or less. Weights are above 0.")
    refuse(*problems)


def _resampled(sums: MomentSums, resamples: int, seed: int) -> DriverShares:
    parts = [driver_shares(covariance) for _, covariance in sums.resampled(resamples=resamples, seed=seed)]
    return DriverShares(
        **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(DriverShares)}
    )


def _ranks(lmg: np.ndarray) -> np.ndarray:
    return (-lmg).argsort(axis=-1, kind="stable").argsort(axis=-1, kind="stable") + 1


def _table(here: DriverShares, drawn: DriverShares, names: list[str], level: float) -> pd.DataFrame:
    columns: dict[str, object] = {"driver": names}
    for name in ("lmg", "johnson", "beta", "first", "last", "correlation"):
        _with_limits(columns, name, getattr(here, name), getattr(drawn, name), level)
    _with_limits(columns, "lmg_share", here.lmg / here.r_squared, drawn.lmg / drawn.r_squared[:, None], level)
    _with_limits(columns, "rank", _ranks(here.lmg), _ranks(drawn.lmg), level, method="inverted_cdf")
    columns["vif"] = here.vif
    return pd.DataFrame(columns)


def _with_limits(
    columns: dict[str, object], name: str, value: np.ndarray, drawn: np.ndarray, level: float, method: str = "linear"
) -> None:
    columns[name] = value
    columns[f"{name}_low"], columns[f"{name}_high"] = percentile_limits(drawn, level, method=method)


def _doubt(row: dict[str, float]) -> str:
    """Say why the credit of a driver is doubtful, or nothing."""
    explained = row["lmg"] / row["lmg_share"] if row["lmg_share"] else 0.0
    beta_open = row["beta_low"] <= 0 <= row["beta_high"]
    correlation_open = row["correlation_low"] <= 0 <= row["correlation_high"]
    if row["lmg_share"] >= LARGE_CREDIT_SHARE and beta_open:
        nothing = row["last"] < NO_OWN_SHARE * explained
        return "the others explain as much without it" if nothing else "these responses show nothing of its own"
    if not beta_open and not correlation_open and row["beta"] * row["correlation"] < 0:
        return "its coefficient has the other sign than its correlation"
    return ""


def _title(table: pd.DataFrame, target: str) -> str:
    top = table.iloc[0]
    long = f"{top['driver']} has {share_text(top['lmg_share'])} of what the drivers explain of {target}"
    return long if len(long) <= 70 else f"{top['driver']} explains most: {share_text(top['lmg_share'])}"[:70]


def _about(kept: pd.DataFrame, frame: pd.DataFrame, target: str, level: float, method: str) -> str:
    out = len(frame) - len(kept)
    left = f", {out:,} with gaps left out" if out else ""
    return f"Share of the explained variance of {target} (LMG), {100 * level:g} % {method}, n = {len(kept):,}{left}"


def _reading(table: pd.DataFrame, estimates: dict[str, Estimate]) -> str:
    top = table.iloc[0]
    whole, first, share = estimates["r_squared"].text, top["driver"], estimates["lmg_share_" + top["driver"]].short
    said = (
        f"The drivers explain {whole} of the variance; {first} has the largest credit, {share} of it, in nearly every "
        "resample."
        if top["rank_high"] == 1
        else f"The drivers explain {whole} of the variance; {first} has the largest credit, {share} of it, but its "
        "first place is not sure."
    )
    doubtful = table.loc[table["is_credit_doubtful"]]
    if len(doubtful):
        each = "; ".join(
            f"{row['driver']} ({share_text(row['lmg_share'])}): {row['credit_doubt']}"
            for row in doubtful.to_dict("records")
        )
        said += " " + f"Do not rely on the credit of {each}."
    return said
