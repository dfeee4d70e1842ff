"""The answer on winning back in sentences: what was lost, why, what contacts achieved, who is worth one."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, Evidence, count_text, share_text
from crmlab.winback.offers import OFFERS
from crmlab.winback.reasons import NOT_KNOWN
from crmlab.winback.signs import SIGNS
from crmlab.winback.study import WinBack

__all__ = ["contacts_said", "headline", "labels", "list_numbers", "offers_said", "reasons_said", "verdicts_table",
           "worth_said"]  # fmt: skip

_MOST = 3
_FEWEST = 10  # leavers, below which no share of them is told


def headline(study: WinBack, lost: Evidence | None) -> str:
    """Say how many were lost by choice in the last year, and what went with them."""
    if lost is None:
        return f"There is nobody to win back: {study.nobody_left}."
    count = lost["lost_count"]
    if not len(study.year):
        return f"Nobody was lost by their own choice in the 12 months to {study.day.date()}."
    text = (
        f"{count.short} customer{'s' if len(study.year) != 1 else ''} left by their own choice in the 12 months to"
        f" {study.day.date()} (95 % interval {count.interval})"
    )
    if "lost_margin" not in lost.estimates:
        return f"{text}; what went with them is not known."
    margin = lost["lost_margin"]
    interval = f" ({margin.interval})" if margin.interval else ""
    return f"{text}, and {margin.short} of yearly margin with them{interval}."


def reasons_said(study: WinBack, why: Evidence | None) -> str:
    """Say the main reasons with their shares, and how many have none."""
    if not len(study.year):
        return "There is no reason to tell: nobody was lost by their own choice in the last 12 months."
    if why is None:
        return "Why they left cannot be said yet: the records do not reach far enough back before anybody left."
    shares = {
        name.removeprefix("reason_").removesuffix("_share"): estimate
        for name, estimate in why.estimates.items()
        if name.startswith("reason_")
    }
    named = sorted(
        ((code, one) for code, one in shares.items() if code in SIGNS), key=lambda pair: (-pair[1].value, pair[0])
    )
    told = [f"{SIGNS[code].title} {one.short}" for code, one in named[:_MOST]]
    nothing = shares.get(NOT_KNOWN.replace(" ", "_"))
    said = [
        f"Main reasons named: {', '.join(told)}." if told else "No reason is beyond chance for ten or more of them."
    ]
    if nothing is not None:
        said.append(
            f"{nothing.short} ({nothing.interval}) left without any sign that sets them apart from those who stay: ask"
            " them when they close."
        )
    new = study.compared.loc["new"] if "new" in study.compared.index else None
    if new is not None and new["lift_low"] > 1 and new["n"] >= _FEWEST:
        said.append(
            f"{share_text(new['share'])} of leavers had joined within two years, {share_text(new['stayers_share'])} of"
            " those who stayed."
        )
    return " ".join(said)


def contacts_said(study: WinBack, seen: Evidence | None, back: Evidence | None) -> str:
    """Say what contacts achieved by lot, against what happens uninvited."""
    effects = study.effects
    alarm = f"Alarm: {' '.join(effects.alarms)} They are left out of every effect. " if effects.alarms else ""
    alone = ""
    if back is not None:
        alone = f" Uninvited, {back['uninvited_rate'].short} of those away come back in a month."
    if seen is None:
        return f"{alarm}What a contact achieves is not known: {effects.why_unknown}.{alone}"
    found = effects.effect
    span = f"{100 * found.low:.1f} to {100 * found.high:.1f}"
    size = f"{100 * found.value:+.1f} points, 95 % interval {span}, n = {found.n:,}"
    verdict = (
        f"Contacts bring lost customers back ({size})"
        if effects.is_proven
        else f"Contacts keep lost customers away ({size})"
        if effects.is_harmful
        else f"That contacts bring lost customers back is not proven ({size})"
    )
    return f"{alarm}{verdict}.{alone}"


def worth_said(study: WinBack) -> str:
    """Say how many are worth a contact, what that gains, and what the list does about it."""
    worth = int((study.scored["verdict"] == "worth a contact").sum())
    listed = len(study.listed)
    held = int(study.listed["is_holdout"].sum()) if listed else 0
    start = f"Of {count_text(len(study.scored))} lost and not back {count_text(worth)} are worth a contact"
    if not listed:
        why = "the budget pays for nobody, or no channel earns its preparation" if worth else "there is nobody to call"
        return f"{start}; the list is empty: {why}."
    left_out = worth - listed
    others = f" ({count_text(left_out)} wait: their channel does not earn its preparation, or the budget ends)"
    start = (
        f"{start}; {count_text(listed)} are on the list, {count_text(held)} of them held out by lot"
        f"{others if left_out else ''}."
    )
    gain = study.gain
    if not np.isfinite(gain.value):
        unknown = f"What it gains is not known: {study.effects.why_unknown}."
        return f"{start} {unknown} {study.plan.said}"
    proven = gain.low is not None and gain.low > 0
    told = (
        f"Contacting them all gains {gain.short} after all costs ({gain.interval})."
        if proven
        else f"Contacting them all is expected to gain {gain.short} after all costs, not proven ({gain.interval}): the"
        " list is a trial."
    )
    return f"{start} {told}{'' if study.effects.is_proven else ' ' + study.plan.said}"


def verdicts_table(study: WinBack) -> pd.DataFrame:
    """Count whom to speak to and whom not to wake, and why."""
    counts = study.scored["verdict"].value_counts().rename_axis("Verdict").rename("n").reset_index()
    if study.in_peace_count:
        more = pd.DataFrame({"Verdict": ["still here and silent: a contact may remind them to close"],
                             "n": [study.in_peace_count]})  # fmt: skip
        counts = pd.concat([counts, more], ignore_index=True)
    return counts.sort_values(["n", "Verdict"], ascending=[False, True], kind="stable").reset_index(drop=True)


def offers_said(study: WinBack) -> pd.DataFrame:
    """Count the offers of the list, each a guess that the hold-out tests."""
    why = dict(OFFERS.values())
    counts = study.listed["offer"].value_counts().rename_axis("First offer").rename("n").reset_index()
    counts.insert(1, "Why it might work", counts["First offer"].map(why))
    return counts.sort_values(["n", "First offer"], ascending=[False, True], kind="stable").reset_index(drop=True)


def list_numbers(study: WinBack) -> dict[str, Estimate]:
    """Return the numbers of the list."""
    worth = int((study.scored["verdict"] == "worth a contact").sum())
    found = {
        "away_count": Estimate(float(len(study.scored)), "count", n=len(study.lost)),
        "worth_count": Estimate(float(worth), "count", n=len(study.scored)),
        "listed_count": Estimate(float(len(study.listed)), "count", n=len(study.scored)),
        "in_peace_count": Estimate(float(study.in_peace_count), "count", n=study.customers_here),
    }
    if np.isfinite(study.gain.value):
        found["expected_gain"] = study.gain
    return found


def labels(numbers: Iterable[str]) -> dict[str, str]:
    """What a reader calls the numbers."""
    fixed = {
        "lost_count": "Lost by choice in 12 months", "lost_margin": "Margin a year that went with them",
        "uninvited_rate": "Back uninvited in a month", "late_calibration": "Returns that came for one expected",
        "contact_effect": "Effect of a contact on coming back", "second_ratio": "Margin of a second life, first = 1",
        "second_leaving": "Leave again in a month", "break_even": "Effect from which a contact pays (median)",
        "away_count": "Lost and not back", "worth_count": "Worth a contact", "listed_count": "On the list",
        "in_peace_count": "Silent and still here, left in peace", "expected_gain": "Expected gain of the list",
        "new_lift": "New here: times as common as among stayers",
        "unused_lift": "Hardly used: times as common as among stayers",
        "reason_not_known_share": "No reason known",
    }  # fmt: skip
    found = {}
    for name in numbers:
        code = name.removeprefix("reason_").removesuffix("_share")
        found[name] = fixed.get(name) or (f"Reason: {SIGNS[code].title}" if code in SIGNS else "")
    return found
