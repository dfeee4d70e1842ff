"""Which branches moved for sure between two waves: changes of small groups pulled towards the change of all."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from crmlab.satisfaction.change.measure_register import PLACES
from crmlab.satisfaction.pages.tracking import Tracking
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.satisfaction.survey.groups import NOT_KNOWN
from crmlab.satisfaction.survey.small_groups import group_means, shrink_groups
from crmlab.stats import Estimate, Evidence

__all__ = ["MOVED", "changes_by_place", "group_changes"]

_FEWEST = 10  # responses of a group in each wave
_SHOWN = 10
# what the changes are called, for `crmlab.charts.dots`
MOVED = {"label": "group", "value": "x", "low": "x_low", "high": "x_high", "n": "n", "baseline": 0.0,
         "quantity": "Change of the index, pulled in", "unit": "points"}  # fmt: skip


def group_changes(
    frame: pd.DataFrame, item: str, by: str, waves: tuple[str, str], *, weight: str | None = None
) -> pd.DataFrame:
    """Change of each group's mean between two waves, with an error that counts customers who answered in both.

    Parameters
    ----------
    frame : DataFrame
        One row a response: ``wave``, ``customer_id``, `item`, `by`, `weight`.
    item, by : str
        Column of answers and of groups.
    waves : (str, str)
        Earlier and later wave.
    weight : str, optional
        Column of weights, 0 or more.

    Returns
    -------
    DataFrame
        ``group``, ``n`` (the smaller of both waves), ``mean`` (change), ``error``: as
        `crmlab.satisfaction.survey.small_groups.shrink_groups` takes it. Groups not seen in both waves are left out.

    Notes
    -----
    error^2 = s1^2 / n1 + s2^2 / n2 - 2 both r s1 s2 / (n1 n2), with the effective n of Kish, s pooled over groups and r
    the correlation of the two answers of a customer within groups, over all groups.

    Examples
    --------
    >>> answers = pd.DataFrame({"wave": ["1"] * 4 + ["2"] * 4, "customer_id": list("abcdefgh"),
    ...                         "branch": ["n", "s"] * 4, "value": [60.0, 50, 70, 60, 66, 52, 74, 62]})
    >>> group_changes(answers, "value", "branch", ("1", "2"))[["group", "n", "mean"]].values.tolist()
    [['n', 2, 5.0], ['s', 2, 2.0]]
    """
    known = frame[frame[item].notna()]
    one, two = (group_means(known[known["wave"] == wave], item, by, weight=weight) for wave in waves)
    both = one.merge(two, on="group", suffixes=("_one", "_two"))
    centered = known.assign(off=known[item] - known.groupby([by, "wave"], observed=True)[item].transform("mean"))
    parts = [
        centered[centered["wave"] == wave].drop_duplicates("customer_id").set_index("customer_id") for wave in waves
    ]
    panel = parts[0][[by, "off"]].join(parts[1]["off"].rename("off_two"), how="inner")
    together = float(panel["off"].corr(panel["off_two"])) if len(panel) > 2 else 0.0
    together = max(together, 0.0) if math.isfinite(together) else 0.0
    count = both["group"].map(panel[by].value_counts()).fillna(0)
    least = np.minimum(both["n_one"], both["n_two"])
    # of the errors themselves: both r s1 s2 / (n1 n2) = both r error1 error2 / root(n1 n2)
    shared = 2 * count * together * both["error_one"] * both["error_two"] / np.sqrt(both["n_one"] * both["n_two"])
    error = np.sqrt(both["error_one"] ** 2 + both["error_two"] ** 2 - shared)
    return pd.DataFrame(
        {"group": both["group"], "n": least, "mean": both["mean_two"] - both["mean_one"], "error": error}
    )


def changes_by_place(tracking: Tracking, *, seed: int = 1) -> tuple[Evidence | None, str]:
    """Tell which places moved for sure between the last two waves.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.
    seed : int
        Same seed, same ranks.

    Returns
    -------
    Evidence or None
        Frame: up to ten places, those whose change is surest first, then in the order of the change: ``group``, ``x``,
        ``x_low``, ``x_high`` (pulled in, points), ``raw``, ``reliability``, ``n``, ``is_sure`` (interval without 0).
        Estimates: ``places_moved_count``.
    str
        Why there is none, or an empty text.
    """
    study, waves = tracking.study, tracking.waves
    if study is None or len(waves) < 2:
        return None, "a change needs two waves"
    by = next((name for name in reversed(PLACES) if name in tracking.scores), "")
    if not by:
        return None, "the bank does not know where its customers are looked after"
    rows = tracking.scores[tracking.scores[by].notna() & (tracking.scores[by] != NOT_KNOWN)]
    every = group_changes(rows, study.target, by, (waves[-2], waves[-1]), weight="weight")
    kept = every[(every["n"] >= _FEWEST) & (every["error"] > 0)]
    if len(kept) < 3:
        return None, f"{len(kept)} of {len(every)} places have {_FEWEST} answers in each wave; three are needed"
    shrunk = shrink_groups(kept, seed=seed)
    frame = shrunk.frame.assign(is_sure=lambda rows: (rows["x_low"] > 0) | (rows["x_high"] < 0))
    distance = (frame["x"] - shrunk.center).abs()
    shown = frame.assign(rank=distance).sort_values(["is_sure", "rank"], ascending=False, kind="stable").head(_SHOWN)
    shown = shown.sort_values("x", ascending=False, ignore_index=True)
    moved, target = int(frame["is_sure"].sum()), tracking.titles[study.target]
    dropped = len(rows[by].unique()) - len(kept)
    plural = {"branch": "branches", "district": "districts", "region": "regions"}[by]
    spread = float((frame["raw"] - frame["x"]).abs().max())
    all_alike = shrunk.between_deviation < 0.005
    return Evidence(
        shown[["group", "x", "x_low", "x_high", "raw", "reliability", "n", "is_sure"]],
        title=f"{moved} of {len(kept)} {plural} moved for sure in {target.lower()}",
        about=f"Change of the index from {wave_name(waves[-2])} to {wave_name(waves[-1])}, points, pulled towards the "
        f"mean change of all; 95 % intervals; n = responses of the smaller wave; the {len(shown)} furthest from it",
        reading=(
            f"The {plural} cannot be told apart in their change" if all_alike
            else f"True changes of {plural} are estimated to differ by a standard deviation of "
            f"{shrunk.between_deviation:.1f} points"
        )
        + f"; the mean change is {shrunk.center:+.1f}. The bare change of one was {spread:.1f} points further out: "
        "the chance of few answers."
        + (" " + f"Under {_FEWEST} answers in a wave, and so not shown: {dropped}." if dropped else ""),
        estimates={"places_moved_count": Estimate(float(moved), "count", n=len(kept))},
    ), ""  # fmt: skip
