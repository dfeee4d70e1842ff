"""What the page on improvement says of waves: the index of each, and what changed beyond chance."""

from __future__ import annotations

import math

import pandas as pd

from crmlab.satisfaction.change.wave_changes import wave_changes
from crmlab.satisfaction.pages.tracking import Tracking
from crmlab.satisfaction.survey.answers import wave_name
from crmlab.stats import Estimate, Evidence, count_text

__all__ = ["CHANGE", "INDEX", "change_table", "index_by_wave", "what_changed"]

# what index and change are called, for `crmlab.charts.dots`
INDEX = {"label": "title", "value": "index", "low": "index_low", "high": "index_high", "by": "wave", "ordered": True,
         "from_zero": False, "quantity": "Index", "unit": "points of 100"}  # fmt: skip
CHANGE = {"label": "title", "value": "change", "low": "change_low", "high": "change_high", "baseline": 0.0,
          "quantity": "Change", "unit": "points"}  # fmt: skip
_MOST_WAVES = 5
_FEWEST = 10  # responses of a wave that is shown
_METHOD = "customers in both waves counted, interval of one look"


def index_by_wave(tracking: Tracking) -> Evidence | None:
    """Give the index of every construct by wave, with weights frozen at the base wave.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.

    Returns
    -------
    Evidence or None
        Frame: ``title``, ``wave``, ``index``, ``index_low``, ``index_high`` (0 to 100), ``n``, of the last five waves.
        Estimates: ``index_<target>`` of the last wave. None without a wave of ten responses.
    """
    study = tracking.study
    if study is None:
        return None
    frame = study.frame[study.frame["wave"].isin(tracking.waves)]
    found = study.index.index(frame, by="wave", weights="weight", clusters="customer_id")
    found = found[found["n"] >= _FEWEST]
    found = found.assign(place=found["wave"].map({wave: at for at, wave in enumerate(tracking.waves)}))
    found = found[found["place"] >= len(tracking.waves) - _MOST_WAVES]
    now = found[(found["wave"] == study.wave) & (found["latent"] == study.target)]
    if not len(now):
        return None
    order = {name: at for at, name in enumerate(tracking.constructs)}
    found = found.assign(rank=found["latent"].map(order)).sort_values(["place", "rank"], ignore_index=True)
    estimates = study.index.estimates(now)
    stands = estimates[f"index_{study.target}"]
    lowest, highest = (found[found["wave"] == study.wave].sort_values("index").iloc[at] for at in (0, -1))
    frozen = "an earlier run" if study.base_wave == "kept" else wave_name(study.base_wave)
    last = wave_name(study.wave)
    found["wave"] = found["wave"].map(wave_name)
    return Evidence(
        found[["latent", "title", "wave", "index", "index_low", "index_high", "n"]],
        title=f"{study.title(study.target)} stands at {stands.short} of 100 in {last}",
        about=f"Index, 0 to 100, item weights of {frozen}; 95 % intervals, customers as clusters; n = "
        f"{count_text(stands.n)} in {last}",
        reading=f"In {last} {highest['title'].lower()} is highest with {highest['index']:.1f}, "
        f"{lowest['title'].lower()} lowest with {lowest['index']:.1f}. {study.title(study.target)} stands at "
        f"{stands.text}.",
        estimates=estimates,
    )


def what_changed(tracking: Tracking) -> Evidence | None:
    """Tell which indices, and the net promoter score, changed between the last two waves.

    Parameters
    ----------
    tracking : Tracking
        From `crmlab.satisfaction.pages.tracking.tracking_on`.

    Returns
    -------
    Evidence or None
        Frame: rows of `crmlab.satisfaction.change.wave_changes.wave_changes` for the last pair of waves, with
        ``title``, in the order of the model; p-values are corrected over all pairs of neighbouring waves. Estimates:
        ``change_<indicator>``. None with fewer than two waves.
    """
    waves = tracking.waves
    if tracking.study is None or len(waves) < 2:
        return None
    items = [*tracking.constructs, *(["nps"] if "nps" in tracking.scores else [])]
    every = wave_changes(tracking.scores, items, order=waves)
    last = every[(every["wave_to"] == waves[-1]) & (every["n_from"] >= _FEWEST) & (every["n_to"] >= _FEWEST)]
    last = last[last["p_value"].notna()].assign(title=lambda rows: rows["item"].map(tracking.titles))
    if not len(last):
        return None
    moved = last[last["is_change"]].sort_values("change", key=lambda c: -c.abs(), kind="stable")
    single = int((last["p_value"] < 0.05).sum())
    discovered = int((last["p_false_discovery"] < 0.05).sum())
    told = [f"{row.title} by {row.change:+.1f} ({row.change_low:.1f} to {row.change_high:.1f})"
            for row in moved.head(3).itertuples()]  # fmt: skip
    smallest = float(last.loc[last["item"] != "nps", "smallest_change"].median())
    looks = int(every["p_value"].notna().sum())
    return Evidence(
        last.reset_index(drop=True),
        title=f"{len(moved)} of {len(last)} indicators changed beyond chance since {wave_name(waves[-2])}",
        about=f"Change from {wave_name(waves[-2])} to {wave_name(waves[-1])}, points; 95 % interval of one look, n = "
        f"{count_text(last['n_from'].max())} and {count_text(last['n_to'].max())}; grey: no change",
        reading=(f"Beyond chance: {'; '.join(told)}. " if told else "None stands out from chance. ")
        + f"Corrected over {looks} looks by Holm; taken one by one {single} would stand out, with Benjamini and "
        f"Hochberg's milder rule {discovered}. A change of an index by {smallest:.1f} points would be seen four times "
        "in five in one look.",
        estimates={
            f"change_{row.item}": Estimate(
                row.change, "points", row.change_low, row.change_high, int(row.n_from + row.n_to), _METHOD
            )
            for row in last.itertuples()
            if math.isfinite(row.change_low)
        },
    )


def change_table(changed: Evidence) -> pd.DataFrame:
    """Give the changes for a table: indicator, both values, change with interval, what would be seen, p, n."""
    frame = changed.frame
    change = [changed.estimates.get(f"change_{name}") for name in frame["item"]]
    return pd.DataFrame(
        {
            "indicator": frame["title"],
            "before": frame["value_from"],
            "now": frame["value_to"],
            "change": [f"{one.value:+.1f} ({one.low:.1f} to {one.high:.1f})" if one else None for one in change],
            "seen_from": [f"{size:.1f}" for size in frame["smallest_change"]],
            "p (Holm)": frame["p_holm"].map(_chance),
            "p (BH)": frame["p_false_discovery"].map(_chance),
            "beyond_chance": frame["is_change"].map({True: "yes", False: "no"}),
            "n": frame["n_to"],
        }
    )


def _chance(p: float) -> str:
    return "<.001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 0.995 else "1"
