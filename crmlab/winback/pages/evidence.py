"""Evidence of the page on winning back: what was lost, why, who returns, what contacts do, what a return is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.stats import Estimate, Evidence, count_text, rate, share_text
from crmlab.winback.lost import way_counts
from crmlab.winback.margins import margin_that_went
from crmlab.winback.reasons import NOT_KNOWN, reason_counts
from crmlab.winback.returning import calibrated_late, return_curve, returns_by
from crmlab.winback.second_life import second_life_by_way
from crmlab.winback.signs import GOING, SIGNS, WHO
from crmlab.winback.study import WinBack

__all__ = ["CURVE", "EFFECTS", "LIFTS", "break_even_look", "break_evens", "effects_seen", "going", "lost_so_far",
           "reasons_table", "returns", "returns_table", "second_lives", "ways_table", "why_they_left"]  # fmt: skip

LIFTS = {"label": "sign", "value": "lift", "low": "lift_low", "high": "lift_high", "by": "seen_as", "baseline": 1.0,
         "quantity": "As common before leaving as among those who stayed", "unit": "times", "n": "leavers_count",
         "from_zero": True}  # fmt: skip
CURVE = {"label": "band", "value": "rate", "low": "rate_low", "high": "rate_high", "groups": "Months since leaving",
         "quantity": "Back in a month", "unit": "share"}  # fmt: skip
EFFECTS = {"label": "look", "value": "effect", "low": "effect_low", "high": "effect_high", "baseline": 0.0,
           "quantity": "Came back: contacted less held out", "unit": "share", "n": "n"}  # fmt: skip
_BREAK_EVEN = {"label": "group", "value": "break_even_share", "low": "break_even_low", "high": "break_even_high",
              "quantity": "Effect from which a contact pays for itself", "unit": "share", "n": "n"}  # fmt: skip
_FEWEST = 10


def lost_so_far(study: WinBack) -> Evidence | None:
    """Count those lost by choice in the last 12 months and the margin a year that went with them; None for nobody."""
    if study.nobody_left:
        return None
    year = study.year
    count = rate(len(year), 1.0, unit="count")
    counted = Estimate(count.value, "count", count.low, count.high, n=study.customers_here + len(study.lost),
                       method=count.method)  # fmt: skip
    estimates = {"lost_count": counted}
    margins = year["margin_amount"].dropna()
    if len(margins):
        estimates["lost_margin"] = margin_that_went(margins.sort_index(), study.currency)
    faded = int((~year["is_before_fade"].astype(bool) & year["margin_amount"].notna()).sum())
    unknown = int(year["margin_amount"].isna().sum())
    notes = []
    if faded:
        notes.append(
            f"{count_text(faded)} had been here too briefly for a year's margin: their oldest month stands in."
        )
    if unknown:
        notes.append(f"Of {count_text(unknown)} no margin is known.")
    ever = study.lost[study.lost["way"] == "by choice"]
    told = f"{count_text(len(year))} were lost by choice in 12 months, {count_text(len(ever))} since records begin."
    return Evidence(way_counts(study.lost), "", "", " ".join([told, *notes]), estimates)


def ways_table(seen: Evidence) -> pd.DataFrame:
    """How customers were lost in the last 12 months, for the page."""
    return seen.frame.rename(columns={"way": "Lost", "customers_count": "n", "on_a_list": "On a list"})


def why_they_left(study: WinBack) -> Evidence | None:
    """Compare each sign before leaving with those who stayed; None where no leaver's window lies in the records."""
    known = study.compared[study.compared["lift"].notna()] if len(study.compared) else study.compared
    if not len(known):
        return None
    shown = known[known["kind"] != GOING]
    proven = shown[shown["is_reason"].astype(bool)]
    n, stay = int(known["n"].iloc[0]), int(known["stayers_n"].iloc[0])
    year = study.reasons.reindex(study.year.index)
    counts = reason_counts(year, study.compared, study.lost["margin_amount"]) if len(year) else None
    estimates = {}
    if counts is not None:
        for row in counts.itertuples():
            if row.code != NOT_KNOWN and row.customers_count < _FEWEST:
                continue  # a page shows no group under ten
            name = "reason_not_known_share" if row.code == NOT_KNOWN else f"reason_{row.code}_share"
            estimates[name] = Estimate(row.share, "share", row.share_low, row.share_high, n=len(year), method="Wilson")
    for code in ("new", "unused"):
        if code in known.index:
            row = known.loc[code]
            estimates[f"{code}_lift"] = Estimate(row["lift"], "times", row["lift_low"], row["lift_high"], n=n,
                                                 method="logarithm of the ratio")  # fmt: skip
    top = proven.iloc[0] if len(proven) else None
    title = (
        f"{_upper(top['sign'])}: {top['lift']:.1f} times as common before leaving"
        if top is not None
        else "No sign is more common before leaving than among those who stayed"
    )
    told = [
        f"{_upper(row.sign)}: {share_text(row.share)} of leavers, {share_text(row.stayers_share)} of like customers who"
        f" stayed; it can be the reason of {share_text(row.beyond_chance_share)} at most."
        for row in proven.itertuples()
    ]
    usual = shown[~shown["is_reason"].astype(bool) & (shown["kind"] == "reason")]
    if len(usual):
        told.append(
            f"{count_text(len(usual))} other signs are no more common before leaving, beyond chance, so they are named"
            " for nobody."
        )
    about = f"Lift with 95 % interval, Mantel-Haenszel; {n:,} leavers, {stay:,} who stayed; n: leavers with it"
    seen_as = np.where(shown["is_reason"], "reason, beyond chance", "within chance")
    few = shown["leavers_count"].where(shown["leavers_count"] >= _FEWEST)  # a page shows no group under ten
    shown = shown.assign(leavers_count=few, seen_as=np.where(shown["kind"] == WHO, "who they were, not why", seen_as))
    return Evidence(shown, title[:70], about, " ".join(told) or "No sign can be told from chance.", estimates)


def reasons_table(study: WinBack) -> pd.DataFrame:
    """Reasons of those lost in the last 12 months, with the rule and the margin that went."""
    counts = reason_counts(study.reasons.reindex(study.year.index), study.compared, study.lost["margin_amount"])
    rule = [SIGNS[code].rule if code in SIGNS else "no sign beyond chance" for code in counts["code"]]
    return pd.DataFrame(
        {
            "reason": counts["reason"], "rule": rule, "n": counts["customers_count"], "of_all_share": counts["share"],
            "by_chance_share": counts["by_chance_share"], "margin_a_year_amount": counts["margin_amount"],
        }
    )  # fmt: skip


def going(study: WinBack) -> str:
    """Say what leaving looks like on the way, and that this is no reason; empty where it is not seen."""
    known = study.compared[(study.compared["kind"] == GOING) & study.compared["lift"].notna()]
    if not len(known):
        return ""
    told = ", ".join(f"{row.sign} {share_text(row.share)}" for row in known.itertuples())
    return f"On their way out leavers showed: {told}. That is the leaving itself, no reason, and a cue to call earlier."


def returns(study: WinBack) -> Evidence | None:
    """Show how often the lost come back uninvited, by months since leaving; None where nobody could yet."""
    if not np.isfinite(study.uninvited.rate.value):
        return None
    curve, found = return_curve(study.months), study.uninvited.rate
    events = int(study.months.loc[~study.months["is_contacted"].astype(bool), "returned"].sum())
    estimates = {"uninvited_rate": found}
    told = f"{count_text(events)} came back uninvited: {found.short} a month of those still away ({found.interval})."
    if not events:
        return Evidence(curve, "Nobody has come back uninvited", _about_curve(found), "Nobody has come back uninvited.",
                        estimates)  # fmt: skip
    checked = calibrated_late(study.months)
    if np.isfinite(checked.value):
        estimates["late_calibration"] = checked
        told += (
            f" For each return of the last 12 months that chances learned before expected, {checked.value:.2f} came"
            f" ({checked.low:.2f} to {checked.high:.2f})."
        )
    if study.uninvited.model is None:
        told += " That is too few to say who comes back sooner."
    else:
        told += f" {_goes_with(study)}"
    first, last = curve.iloc[0], curve.iloc[-1]
    falls = len(curve) > 1 and last["rate"] < first["rate"]
    title = (
        f"Each month away, fewer return: {share_text(first['rate'])} a month, later {share_text(last['rate'])}"
        if falls
        else f"{found.short} of the lost come back uninvited each month"
    )
    return Evidence(curve, title, _about_curve(found), told, estimates)


def _about_curve(found: Estimate) -> str:
    return f"Lost by choice, months without a contact; 95 % exact Poisson interval; {found.n:,} customer-months"


def _goes_with(study: WinBack) -> str:
    words = {
        "months_since": "months since leaving",
        "is_main_bank": "having been their main bank",
        "age_decades": "age",
    }
    model = study.uninvited.model
    told = []
    for name, value, error in zip(study.uninvited.columns, model.coefficients[1:], model.errors[1:], strict=True):
        if abs(value) > 1.96 * error:
            times = np.exp(value)
            told.append(
                f"higher odds go with {words[name]} (x {times:.2f})"
                if value > 0
                else f"lower odds go with {words[name]} (x {times:.2f})"
            )
    return f"Beyond chance: {'; '.join(told)}." if told else "Nothing seen tells beyond chance who returns sooner."


def returns_table(study: WinBack) -> pd.DataFrame:
    """How often customers came back uninvited, by the reason named and by whether this was the main bank."""
    reason = study.reasons.map(lambda code: SIGNS[code].title if code in SIGNS else "no reason known")
    main = study.lost["is_main_bank"].map({True: "main bank", False: "not the main bank"})
    parts = [returns_by(study.months, groups) for groups in (main, reason) if len(groups)]
    table = pd.concat(parts, ignore_index=True)
    return pd.DataFrame(
        {
            "customers_lost": table["group"], "n": table["customers_count"], "came_back": table["returns_count"],
            "back_in_a_year_share": table["rate"], "low": table["rate_low"], "high": table["rate_high"],
        }
    )  # fmt: skip


def effects_seen(study: WinBack) -> Evidence | None:
    """Show what contacts achieved, pooled and by channel; None without a trial."""
    effects = study.effects
    if not np.isfinite(effects.effect.value):
        return None
    found = effects.effect
    rows = [("all channels", found.value, found.low, found.high, len(effects.trials))]
    rows += [
        (row.channel, row.effect, row.effect_low, row.effect_high, row.treated_count + row.held_out_count)
        for row in effects.by_channel.itertuples()
    ]
    frame = pd.DataFrame(rows, columns=["look", "effect", "effect_low", "effect_high", "n"])
    arm, acted = effects.trials["is_treated"].astype(bool), effects.trials["has_acted"].astype(bool)
    told = (
        f"{count_text((acted & arm).sum())} of {count_text(arm.sum())} contacted came back while the campaign counted,"
        f" {count_text((acted & ~arm).sum())} of {count_text((~arm).sum())} held out: {_points(found)}."
    )
    apart = effects.by_channel[effects.by_channel["p_value"] < 0.05]
    told += (
        f" By itself an effect is proven for {', '.join(apart['channel'])}."
        if len(apart)
        else " No channel is proven by itself."
    )
    verdict = (
        f"Contacts bring {share_text(found.value)} of the lost back"
        if effects.is_proven
        else f"Contacts keep {share_text(-found.value)} away"
        if effects.is_harmful
        else "It is not proven that contacts bring anybody back"
    )
    about = f"{effects.trials['campaign_id'].nunique()} randomised campaigns; 95 % Newcombe interval; n: both arms"
    return Evidence(frame, verdict, about, told, {"contact_effect": found})


def _points(found: Estimate) -> str:
    low, high = (f"{100 * limit:.1f}" for limit in (found.low, found.high))
    return f"{100 * found.value:+.1f} percentage points (95 % interval {low} to {high})"


def second_lives(study: WinBack) -> Evidence | None:
    """Say what a second life yields and how long it lasts; None where nobody came back."""
    if not len(study.returned):
        return None
    second = study.second
    estimates = {"second_leaving": second.leaving}
    if second.is_measured:
        estimates["second_ratio"] = second.ratio
        first = (
            f"Those who came back yield {second.ratio.value:.2f} of what the first life yielded"
            f" ({second.ratio.low:.2f} to {second.ratio.high:.2f}, n = {second.ratio.n:,})."
        )
    else:
        first = (
            f"Only {count_text(second.ratio.n)} came back with a known margin: a second life is taken to yield what the"
            " first did."
        )
    told = [first, f"{second.leaving.short} of them leave again in a month ({second.leaving.interval})."]
    by_way = second_life_by_way(study.returned, study.effects.contacts, study.lost)
    brought = by_way.loc[by_way["way"] == "after a contact", "customers_count"].sum()
    if brought < _FEWEST:
        told.append(
            f"Only {count_text(brought)} came back after a contact: whether those whom a contact brings are worth as"
            " much as those who come by themselves cannot be said."
        )
    return Evidence(by_way, "", "", " ".join(told), estimates)


def break_even_look(study: WinBack) -> dict[str, object]:
    """How the break-even effects are drawn: with a line at the effect found, where there is one."""
    effect = study.effects.working_effect
    return {**_BREAK_EVEN, "baseline": effect if np.isfinite(effect) else None}


def break_evens(study: WinBack) -> Evidence | None:
    """Show from which effect on a contact pays, by worth of a return; None where nobody may be contacted."""
    usable = study.scored[study.scored["break_even_share"].notna()]
    if len(usable) < 2 * _FEWEST:
        return None
    fifths = min(5, len(usable) // _FEWEST)
    place = np.ceil(usable["return_amount"].rank(method="first") / len(usable) * fifths).astype(int)
    rows = []
    for number, part in usable.groupby(place):
        low, mid, high = part["break_even_share"].quantile([0.25, 0.5, 0.75])
        worth = part["return_amount"]
        group = f"{study.currency} {worth.min():,.0f} to {worth.max():,.0f}"
        rows.append((group, mid, low, high, len(part), number))
    frame = pd.DataFrame(rows, columns=["group", "break_even_share", "break_even_low", "break_even_high", "n", "fifth"])
    frame = frame.sort_values("fifth", ascending=False).drop(columns="fifth").reset_index(drop=True)
    middle = float(usable["break_even_share"].median())
    estimates = {"break_even": Estimate(middle, "share", n=len(usable), method="median")}
    effect = study.effects.working_effect
    pays = int((usable["break_even_share"] < effect).sum()) if np.isfinite(effect) else 0
    told = (
        "Half of those who may be contacted pay for a contact, preparation left out, from an effect of "
        f"{100 * middle:.2f} points on."
    )
    if np.isfinite(effect):
        told += f" At the effect found, {100 * effect:.1f} points, {count_text(pays)} of {count_text(len(usable))} do."
    title = "The more a return is worth, the smaller the effect that pays"
    about = "By worth of a return: median and middle half, preparation left out; the grey line is the effect found"
    return Evidence(frame, title, about, told, estimates)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
