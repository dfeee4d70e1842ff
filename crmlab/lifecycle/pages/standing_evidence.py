"""Where customers stand, how they flowed in a year, and how often they move in a month."""

from __future__ import annotations

import pandas as pd

from crmlab.lifecycle.chain.checks import homogeneity, order_test
from crmlab.lifecycle.pages.lifecycle import Lifecycle, said, sentences
from crmlab.lifecycle.stages.on_dates import flicker_share
from crmlab.lifecycle.stages.rules import ALIVE, STAGES
from crmlab.stats import Estimate, Evidence, count_text, percentile_limits, proportion, proportions, share_text

__all__ = ["STANDING", "flow", "flow_dates", "moves_map", "rules_table", "where_they_stand"]

STANDING = {"label": "stage", "value": "share", "low": "share_low", "high": "share_high", "unit": "share",
            "quantity": "Share of customers"}  # fmt: skip
_FEWEST = 10
_CHANCE = 0.05


def rules_table(life: Lifecycle) -> pd.DataFrame:
    """Rules of the stages in plain words: stage, rule."""
    return pd.DataFrame(life.rules.told(), columns=["Stage", "A customer is in it with"])


def where_they_stand(life: Lifecycle) -> Evidence | None:
    """Share of today's customers in each stage; None with fewer than ten customers."""
    if life.why:
        return None
    rows = [(said(stage), life.customers[stage]) for stage in ALIVE]
    frame = pd.DataFrame(rows, columns=["stage", "customers_count"])
    frame = pd.concat([frame, proportions(frame["customers_count"], life.n)], axis=1)
    shares = {f"{stage}_share": proportion(life.customers[stage], life.n) for stage in ALIVE}
    top = frame.sort_values("customers_count", ascending=False, kind="stable").iloc[:2]
    decline, dormant = shares["decline_share"], shares["dormant_share"]
    ago = life.year_ago[life.year_ago["stage"] != "lost"]
    was = (ago["stage"].isin(["decline", "dormant"])).mean() if len(ago) else float("nan")
    fading = proportion(life.customers["decline"] + life.customers["dormant"], life.n)
    earlier = ""
    if len(ago) >= _FEWEST and ago["as_of"].iloc[0] < life.day:
        earlier = f"It was {share_text(was)} on {pd.Timestamp(ago['as_of'].iloc[0]).date()}."
    return Evidence(
        frame,
        title=f"{top.iloc[0]['stage'].capitalize()} {share_text(top.iloc[0]['share'])}, {top.iloc[1]['stage']} "
        f"{share_text(top.iloc[1]['share'])}; {fading.short} decline or are dormant",
        about=f"Share of {count_text(life.n)} customers on {life.day.date()} by stage; Wilson 95 % interval",
        reading=sentences(
            f"{decline.text} of the customers are in decline and {dormant.short} are dormant: {fading.short} in all.",
            earlier,
        ),
        estimates={**shares, "fading_share": fading},
    )


def flow_dates(life: Lifecycle) -> dict[str, str]:
    """Both dates of the flow, for its chart."""
    return {"before": str(pd.Timestamp(life.year_ago["as_of"].iloc[0]).date()), "after": str(life.day.date())}


def flow(life: Lifecycle) -> Evidence | None:
    """Flow of customers between a year ago and today, new ones and lost ones included."""
    ago = life.year_ago[life.year_ago["stage"] != "lost"]
    if life.why or len(ago) < _FEWEST or ago["as_of"].iloc[0] >= life.day:
        return None
    ends = life.now["stage"].reindex(ago.index)
    start = pd.Timestamp(ago["as_of"].iloc[0])
    pairs = pd.DataFrame({"from": ago["stage"], "to": ends})
    new = life.now[~life.now.index.isin(life.year_ago.index)]
    came = pd.DataFrame({"from": "new", "to": new["stage"]})
    both = pd.concat([pairs, came]).replace({"won_back": said("won_back")})
    order = [said(stage) for stage in STAGES if stage != "lost"]
    counted = both.groupby(["from", "to"]).size()
    full = pd.MultiIndex.from_product([[*order, "new"], [*order, "lost"]], names=["from", "to"])
    frame = counted.reindex(full, fill_value=0).rename("customers_count").reset_index()
    held = frame.groupby("from")["customers_count"].transform("sum") > 0
    reached = frame.groupby("to")["customers_count"].transform("sum") > 0
    frame = frame[held & reached].reset_index(drop=True)
    lost = proportion(int((ends == "lost").sum()), len(ago))
    stayed = proportion(int((ends == ago["stage"]).sum()), len(ago))
    worse = int(((ends == "decline") | (ends == "dormant")).sum() - ago["stage"].isin(["decline", "dormant"]).sum())
    months = round((life.day - start).days / 30.4)
    span = "a year" if months == 12 else f"{months:d} month{'' if months == 1 else 's'}"
    more = "more of them are" if worse >= 0 else "fewer of them are"
    return Evidence(
        frame,
        title=f"In {span} {lost.short} were lost and {stayed.short} stayed in their stage",
        about=f"{count_text(len(ago))} customers of {start.date()} and {count_text(len(new))} who came since; number by"
        f" stage then and on {life.day.date()}",
        reading=sentences(
            f"Of {len(ago):,} customers {stayed.text} are in the same stage {span} later and {lost.text} are lost.",
            f"{abs(worse):,} {more} in decline or dormant than then.",
            f"{len(new):,} came since.",
        ),
        estimates={"stayed_share": stayed} | ({"lost_year_share": lost} if months == 12 else {}),
    )


def moves_map(life: Lifecycle) -> Evidence | None:
    """Chances to move in a month, with Dirichlet intervals, and whether one matrix tells it all."""
    if life.why or life.chain is None:
        return None
    table = life.chain.table()
    started = table.groupby("from")["customers_count"].transform("sum") >= _FEWEST
    reached = table.groupby("to")["customers_count"].transform("sum") > 0
    frame = table[started & (reached | (table["to"] == "lost"))].reset_index(drop=True)
    if not len(frame):
        return None
    frame = frame.assign(**{side: frame[side].map(said) for side in ("from", "to")})
    moved = life.moves
    lost = proportion(int((moved["to"] == "lost").sum()), len(moved))
    estimates = {"lost_month_share": lost}
    parts = [f"In a month {lost.text} of the customers are lost."]
    decline = moved[moved["from"] == "decline"]
    if len(decline) >= _FEWEST:
        back, gone = (_from_decline(life, ends, len(decline)) for ends in (("growth", "maturity"), ("lost",)))
        estimates |= {"decline_back_share": back, "decline_lost_share": gone}
        parts.append(f"Of those in decline {back.short} come back to growth or maturity and {gone.short} are lost.")
    parts += _checks(life)
    flicker = flicker_share(life.stages)
    if flicker == flicker:
        estimates["flicker_share"] = Estimate(flicker, "share", n=None, method="")
        parts.append(
            f"{share_text(flicker)} of the moves are undone within two months; without dwell and a second threshold"
            f" {share_text(life.naive_flicker)} would be."
        )
    return Evidence(
        frame,
        title=f"In a month {lost.short} are lost" + (
            f"; from decline {estimates['decline_lost_share'].short} are,"
            f" {estimates['decline_back_share'].short} recover"
            if "decline_lost_share" in estimates else ""),
        about=f"Share of a stage by the stage a month later, %; {life.months} months to {life.day.date()}; "
        "n: customer-months; Dirichlet 95 %",
        reading=" ".join(parts),
        estimates=estimates,
    )  # fmt: skip


def _from_decline(life: Lifecycle, ends: tuple[str, ...], n: int) -> Estimate:
    """Chance a month to go from decline to one of some ends, whole customers resampled."""
    found = life.resampled
    to = [*found.states, *found.ends]
    at = [to.index(end) for end in ends]
    row = found.states.index("decline")
    point = float(found.shares[row, at].sum())
    low, high = (float(side) for side in percentile_limits(found.share_draws[:, row, at].sum(axis=1)))
    return Estimate(point, "share", min(low, point), max(high, point), n, "bootstrap of customers, 400 resamples")


def _checks(life: Lifecycle) -> list[str]:
    """Say whether the chances were the same at all times, and whether the stage of today says all."""
    year = life.all_moves["as_of"].map(lambda day: f"to {(pd.Timestamp(day) + pd.DateOffset(months=1)).year:d}")
    parts = []
    if year.nunique() > 1:
        same = homogeneity(life.all_moves, year)
        parts.append(
            f"Chances of the years differ by up to {100 * same.largest:.1f} points ({same.where};"
            f" p {_p(same.p_value)})."
        )
    if life.stages["as_of"].nunique() > 2:
        order = order_test(life.stages)
        if order.degrees:
            parts.append(
                "The month before adds nothing that can be seen."
                if order.p_value > _CHANCE
                else sentences(
                    f"The month before says something more: up to {100 * order.largest:.1f} points ({order.where};"
                    f" p {_p(order.p_value)}).",
                    "So a matrix of months is an approximation; the forecast below says how good.",
                )
            )
    return [part.replace("won_back", "won back") for part in parts]


def _p(value: float) -> str:
    return "below .001" if value < 0.001 else f"= {value:.3f}".replace("= 0", "= ")
