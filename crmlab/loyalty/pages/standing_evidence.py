"""Evidence on how loyal customers are, finished for charts and tables."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.loyalty.pages.standing import Standing
from crmlab.loyalty.standing.means import means_by, weighted_mean, weighted_share
from crmlab.loyalty.standing.quadrants import CELLS, shares_by_cut
from crmlab.stats import Estimate, Evidence, amount_text, count_text, share_text

__all__ = ["CELL_COLUMNS", "INDEX_DOTS", "LEFT_COLUMNS", "afterwards", "cells", "chain", "cuts_table", "indices"]

SAYS, DOES = "what they say", "what they do"
INDEX_DOTS = {"label": "label", "value": "mean", "low": "low", "high": "high", "by": "index", "from_zero": False,
              "quantity": "Loyalty index", "unit": "points of 100", "ordered": True}  # fmt: skip
CELL_COLUMNS = {"label": "label", "value": "share", "low": "low", "high": "high", "groups": "Loyalty",
                "quantity": "Customers", "unit": "share"}  # fmt: skip
LEFT_COLUMNS = {"label": "label", "value": "left", "low": "left_low", "high": "left_high",
                "groups": "Loyalty at the wave", "quantity": "Left within a year",
                "unit": "share"}  # fmt: skip
_FEWEST = 20  # customers of a group shown
_CALLED = {"true": "truly loyal", "latent": "latently loyal", "spurious": "spuriously loyal", "none": "not loyal"}


def indices(standing: Standing) -> Evidence | None:
    """Put both indices side by side: of all, by segment, tenure and age; None where neither is known."""
    rows = []
    sources = []
    if standing.answered is not None:
        sources.append((SAYS, standing.now, "attitude", "weight", standing.attitude))
    if standing.behaviour is not None:
        sources.append((DOES, standing.behaviour, "behaviour", None, standing.behaviour_mean))
    for name, frame, value, weight, mean in sources:
        rows.append({"of": "", "label": "all", "index": name, "mean": mean.value, "low": mean.low, "high": mean.high,
                     "n": mean.n})  # fmt: skip
        for by, title in (("group", standing.group.split(" by ")[0]), ("tenure_band", "tenure"), ("age_band", "age")):
            if by in frame:
                part = means_by(frame, value, by, weight=weight)
                part = part[part["n"] >= _FEWEST]
                labels = f"{title} " + part["group"].astype("str")
                rows += part.assign(of=title, label=labels, index=name).drop(columns="group").to_dict("records")
    if not rows:
        return None
    frame = pd.DataFrame(rows).astype({"low": float, "high": float})
    frame["low"], frame["high"] = frame["low"].fillna(frame["mean"]), frame["high"].fillna(frame["mean"])
    told, estimates = [], {}
    if standing.attitude is not None:
        estimates["attitude_index"] = standing.attitude
        told.append(f"Attitude {_of_100(standing.attitude)}, of those who answered {standing.wave}, weighted.")
    if standing.behaviour_mean is not None:
        estimates["behaviour_index"] = standing.behaviour_mean
        parts = [name for name in standing.behaviour if name in
                 ("tenure", "products", "primary account", "activity", "share of wallet")]  # fmt: skip
        told.append(f"Behaviour {_of_100(standing.behaviour_mean)}, of all customers, from {', '.join(parts)}.")
    both, first = len(sources) == 2, sources[0][4]
    title = (
        f"Loyalty in words: {first.value:.0f} of 100, in deeds: {sources[1][4].value:.0f}"
        if both
        else f"Loyalty in words: {first.value:.0f} of 100"
        if sources[0][0] == SAYS
        else f"Loyalty in deeds: {first.value:.0f} of 100"
    )
    if both:
        told.append("The two are not on one scale and are not averaged: one number would hide who stays without "
                    "meaning it.")  # fmt: skip
    who = {SAYS: "respondents", DOES: "customers"}
    counts = " and ".join(f"{count_text(mean.n)} {who[name]}" for name, *_, mean in sources)
    return Evidence(frame, title, f"Index, 0 to 100, mean with 95 % interval; {counts}", " ".join(told), estimates)


def cells(standing: Standing) -> Evidence | None:
    """Show the four cells at the last wave; None where either index is not known."""
    if standing.shares.empty:
        return None
    frame = standing.shares.assign(label=[f"{name}\n{_does(name)}" for name in standing.shares["cell"]])
    by = frame.set_index("cell")
    method = "Wilson, effective n"
    estimates = {
        f"{name}_share": Estimate(row["share"], "share", row["low"], row["high"], int(row["respondents_count"]), method)
        for name, row in by.iterrows()
    }
    count = int(frame["respondents_count"].iloc[0])
    near = standing.now
    close = ((near["attitude"] - standing.attitude_cut).abs() < 5) | (
        (near["behaviour"] - standing.behaviour_cut).abs() < 5
    )
    true, spurious, latent = (share_text(by.loc[name, "share"]) for name in ("true", "spurious", "latent"))
    near_share = share_text(float(np.average(close, weights=near["weight"])))
    reading = (
        f"{true} mean it and act on it; {spurious} bank here like loyal customers and do not feel so, {latent} would "
        f"and do not. High is an attitude of {standing.attitude_cut:g} and a behaviour of {standing.behaviour_cut:g} "
        f"or more; {near_share} lie within 5 points of a line."
    )
    return Evidence(
        frame,
        f"{share_text(by.loc['true', 'share'])} are truly loyal, {share_text(by.loc['spurious', 'share'])} seem so",
        f"Share of customers at the wave {standing.wave}, weighted; 95 % intervals; {count_text(count)} respondents",
        reading,
        estimates,
    )


def cuts_table(standing: Standing) -> pd.DataFrame:
    """Show how the shares move with the cut points."""
    cut = {"attitude_cut": standing.attitude_cut, "behaviour_cut": standing.behaviour_cut}
    found = shares_by_cut(standing.now, **cut, steps=(-10, 0, 10))
    return found.rename(columns={name: f"{name}_share" for name in CELLS}).rename(columns={"cut": "moved"})


def afterwards(standing: Standing, *, currency: str) -> Evidence | None:
    """Say what became of each cell in the year after a wave; None where no year is known."""
    if standing.shares.empty or standing.followed.empty:
        return None
    rows, estimates = [], {}
    for name, part in standing.followed.groupby("cell"):
        left = weighted_share(part["left"], part["weight"], part["customer_id"])
        stayed = part[part["left"] == 0]
        margin = weighted_mean(stayed["margin_after_amount"], stayed["weight"], stayed["customer_id"], unit=currency)
        rows.append({"cell": name, "label": f"{name}\n{_does(name)}", "left": left.value, "left_low": left.low,
                     "left_high": left.high, "n": left.n, "left_text": left, "margin_text": margin})  # fmt: skip
        estimates[f"left_{name}_share"] = left
    frame = pd.DataFrame(rows).set_index("cell").reindex([name for name in CELLS if name in estimates_names(estimates)])
    frame = frame.reset_index()
    known = {row["cell"]: row for row in frame.to_dict("records")}
    waves = ", ".join(sorted(standing.followed["wave"].unique()))
    told = "; ".join(
        f"{_CALLED[name].capitalize()}: {row['left_text'].short} left ({row['left_text'].interval}), margin of a year "
        f"{amount_text(row['margin_text'].value, currency)}"
        if row["margin_text"].n
        else f"{_CALLED[name].capitalize()}: {row['left_text'].short} left ({row['left_text'].interval})"
        for name, row in known.items()
    )
    worst, best = (max(known, key=lambda one: known[one]["left"]), min(known, key=lambda one: known[one]["left"]))
    most, least = share_text(known[worst]["left"]), share_text(known[best]["left"])
    return Evidence(
        frame,
        f"Left within a year: {most} of the {_CALLED[worst]}, {least} of the {_CALLED[best]}",
        f"Left by own choice in the 12 months after {waves}; 95 % intervals; n = {count_text(int(frame['n'].sum()))} "
        "responses",
        f"{told}. Cells differ in more than loyalty, so this is what goes with them, not what loyalty does.",
        estimates,
    )


def estimates_names(estimates: dict[str, Estimate]) -> set[str]:
    """Cells that have an estimate of leaving."""
    return {name.removeprefix("left_").removesuffix("_share") for name in estimates}


def chain(standing: Standing) -> Evidence:
    """List the links from satisfaction to leaving, and say of each whether it is an association or an effect."""
    rows, estimates = [], {}

    def add(link: str, name: str, estimate: Estimate | None, kind: str, rests: str) -> None:
        if estimate is None:
            return
        estimates[name] = estimate
        rows.append({"link": link, "number": f"{estimate.short} ({estimate.interval})", "kind": kind, "basis": rests,
                     "n": estimate.n})  # fmt: skip

    ten = "odds of leaving, 10 points more"
    add("satisfaction to loyalty, standard deviations", "path_satisfaction", standing.path, "association",
        "answers of one day; image held")  # fmt: skip
    add(f"attitude to leaving: {ten}", "odds_attitude", standing.odds.get("attitude"), "association",
        "the year after a wave; behaviour and age held")  # fmt: skip
    add(f"attitude to leaving, satisfaction held: {ten}", "odds_attitude_given",
        standing.odds.get("attitude_given_satisfaction"), "association",
        "what loyalty adds to satisfaction")  # fmt: skip
    add(f"behaviour to leaving: {ten}", "odds_behaviour", standing.odds.get("behaviour"), "association",
        "the year after a wave; attitude and age held")  # fmt: skip
    if standing.retention is not None:
        add("being asked to stay to staying, share of customers", "retention_effect", standing.retention.acts, "effect",
            f"drawn by lot: {standing.retention.said.split(';')[0]}")  # fmt: skip
    said = [row["link"].split(":")[0].split(",")[0] for row in rows if row["kind"] == "effect"]
    clear = [name for name, one in estimates.items() if name.startswith("odds") and (one.low > 1 or one.high < 1)]
    if not rows:
        reading = "No link can be measured here."
    elif not said:
        reading = (
            f"Of {len(rows)} links none is an effect, because nothing was drawn by lot; they say what goes together."
        )
    else:
        reading = (
            f"Of {len(rows)} links {len(said)} {'is' if len(said) == 1 else 'are'} an effect, because only there "
            "chance chose who got it; the others say what goes together."
        )
    if "odds_attitude" in estimates:
        reading += " Behaviour goes with leaving beyond chance." if "odds_behaviour" in clear else ""
        reading += (" So does attitude." if "odds_attitude" in clear else
                    " What customers say does not tell who leaves beyond chance, once behaviour is held.")  # fmt: skip
    return Evidence(pd.DataFrame(rows), "From satisfaction to loyalty to leaving", "", reading, estimates)


def _does(cell: str) -> str:
    says, does, _ = CELLS[cell]
    return f"{'says' if says else 'says not'}, {'does' if does else 'does not'}"


def _of_100(one: Estimate) -> str:
    limits = f" (95 % interval {one.low:.1f} to {one.high:.1f}, n = {one.n:,})" if one.low is not None else ""
    return f"{one.value:.1f} of 100{limits}"
