"""What contacts to keep customers did: leaving of the contacted against the held out, in all and by channel."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.churn.persuasion.retention_trial import RetentionTrial
from crmlab.stats import Estimate, Evidence, share_text
from crmlab.stats.experiments import difference_of_shares

__all__ = ["ALL", "effect_on_leaving", "trial_effects"]

ALL = "all channels"
_NAMES = {"email": "e-mail", "sms": "SMS", "social": "social media", "phone": "phone"}


def effect_on_leaving(trial: RetentionTrial, *, level: float = 0.95) -> Estimate:
    """Estimate what the contacts changed: share that left, contacted less held out (below 0: fewer left).

    Notes
    -----
    As drawn, whether reached or not. Pooled within equal planned hold-out shares, where all had the same chance to be
    contacted; a customer in several campaigns was drawn anew each time, so contacts count as independent draws.
    """
    rows = trial.rows
    parts = (
        rows.groupby([rows["treated_share"].round(6), "is_treated"])["left"].agg(["sum", "size"]).unstack("is_treated")
    )
    parts = parts.reindex(columns=pd.MultiIndex.from_product([["sum", "size"], [True, False]])).fillna(0)
    treated, held = ((parts["sum", arm], parts["size", arm]) for arm in (True, False))
    return difference_of_shares(treated, held, level=level)


def trial_effects(trial: RetentionTrial, *, level: float = 0.95) -> Evidence:
    """Show the effect on leaving in all and by channel, and name harm.

    Parameters
    ----------
    trial : RetentionTrial
        Whose arms are as drawn; otherwise the evidence is empty and its reading says why.

    Returns
    -------
    Evidence
        Frame: ``contacts`` (all channels, then each), ``effect``, ``effect_low``, ``effect_high`` (on leaving),
        ``contacted_left_share``, ``held_out_left_share``, ``customers_count``, ``verdict`` (``fewer leave``, ``more
        leave``, ``not shown``). Intervals of channels are widened for the number of channels (Bonferroni). Estimates:
        ``retention_effect``, ``retention_effect_<channel>``.
    """
    if not trial.can_be_read:
        return Evidence(pd.DataFrame(), "", "", trial.alarm or f"There is no trial to read: {trial.why_not}.")
    names = sorted(trial.rows["channel"].unique())
    parts = [(ALL, trial, level), *((_NAMES.get(n, n), trial.channel(n), 1 - (1 - level) / len(names)) for n in names)]
    rows, estimates = [], {}
    for place, (name, part, sure) in enumerate(parts):
        found = effect_on_leaving(part, level=sure)
        if not np.isfinite(found.value):
            continue
        treated = part.rows["is_treated"]
        rows.append(
            (name, found.value, found.low, found.high, part.rows.loc[treated, "left"].mean(),
             part.rows.loc[~treated, "left"].mean(), len(part.rows), _verdict(found))
        )  # fmt: skip
        estimates["retention_effect" if not place else f"retention_effect_{names[place - 1]}"] = found
    columns = ["contacts", "effect", "effect_low", "effect_high", "contacted_left_share", "held_out_left_share",
               "customers_count", "verdict"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    return Evidence(
        frame,
        _title(frame),
        f"Share that left, contacted less held out, points; {len(trial.rows):,} contacts drawn by lot in "
        f"{trial.rows['campaign_id'].nunique()} campaigns; Newcombe 95 %, channels corrected",
        _reading(frame),
        estimates,
    )


def _verdict(found: Estimate) -> str:
    return "more leave" if found.low > 0 else "fewer leave" if found.high < 0 else "not shown"


def _title(frame: pd.DataFrame) -> str:
    harmed = frame[frame["verdict"] == "more leave"]
    if len(harmed):
        return f"Contacts did harm: more left after them ({harmed['contacts'].iloc[0]})"
    whole = frame.iloc[0]["verdict"] if len(frame) else ""
    return "Fewer left after a contact" if whole == "fewer leave" else "No effect of contacts on leaving is shown"


def _reading(frame: pd.DataFrame) -> str:
    if not len(frame):
        return "No campaign has customers in both arms."
    row = frame.iloc[0]
    told = (
        f"Of those contacted {share_text(row['contacted_left_share'])} left, of those held out "
        f"{share_text(row['held_out_left_share'])}: a difference of {_points(row['effect'])} points "
        f"(95 % interval {_points(row['effect_low'])} to {_points(row['effect_high'])})."
    )
    harmed = frame.loc[frame["verdict"] == "more leave", "contacts"].tolist()
    helped = frame.loc[frame["verdict"] == "fewer leave", "contacts"].tolist()
    if harmed:
        return f"{told} More customers left because of contacts by {', '.join(harmed)}: stop these."
    return told + (f" Fewer leave after contacts by {', '.join(helped)}." if helped else
                   " The interval holds 0: these contacts are not shown to keep anybody.")  # fmt: skip


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "−")
