"""Which tier earns which service: what a customer yields against what an adviser or a team costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.errors import refuse
from crmlab.stats import Estimate, Evidence, amount_text, count_text, share_text

__all__ = ["LEVELS", "plan_of_tiers", "service_levels"]

LEVELS = ("personal adviser", "service team", "digital self-service")
_NOT_DECIDED = "too few customers to decide"


def service_levels(yields: Evidence, costs: Sequence[float], *, currency: str, most_share: float = 0.2) -> Evidence:
    """Choose the service of each tier from what a customer yields and what the service costs.

    Parameters
    ----------
    yields : Evidence
        What `crmlab.segmentation.wealth.tier_yields` found.
    costs : sequence of two float
        What a personal adviser and what a service team costs a customer a year, currency, falling, above 0.
    currency : str
        Currency code.
    most_share : float
        Largest share of the yield that service may cost, above 0, up to 1.

    Returns
    -------
    Evidence
        Frame, one row a tier: ``tier``, ``customers_count``, ``yield_amount`` (a customer, 12 months),
        ``adviser_share`` and ``team_share`` (their cost as a share of the yield), ``service`` (one of `LEVELS`).
        Estimates: ``advised_count`` (customers of tiers with an adviser) and, where there are such,
        ``adviser_break_even`` (cost as a share of the yield in the lowest of these tiers).

    Notes
    -----
    A tier gets the best service whose cost is at most `most_share` of the lower limit of its yield a customer, so that
    luck of a few rich members buys no adviser. Tiers under 10 customers are not decided.

    The cost as a share of the yield is also the break-even: the service pays when it keeps or adds that share of the
    yield. Whether it does, only a trial with a hold-out tells; the yield of today is there without it.

    Examples
    --------
    >>> frame = pd.DataFrame({"tier": ["base", "top"], "customers_count": [90, 10], "yield_amount": [50.0, 5_000.0]})
    >>> yields = Evidence(frame.assign(yield_low_amount=[40.0, 4_000.0], yield_high_amount=[60.0, 6_000.0]), "", "", "")
    >>> found = service_levels(yields, [600.0, 60.0], currency="EUR")
    >>> found.frame["service"].tolist(), found["adviser_break_even"].value
    (['digital self-service', 'personal adviser'], 0.12)
    """
    given = [float(cost) for cost in costs]
    problems = []
    if len(given) != 2 or not all(map(math.isfinite, given)) or not given[0] > given[1] > 0:
        problems.append(
            f"service_costs: {given} cannot part services. Give two falling amounts above 0: what a personal adviser "
            "and what a service team costs a customer a year."
        )
    if not 0 < most_share <= 1:
        problems.append(f"service_share: {most_share} is no share of the yield. Give a number above 0, up to 1.")
    refuse(*problems)
    columns = ["tier", "customers_count", "yield_amount", "yield_low_amount", "yield_high_amount"]
    frame = yields.frame[columns].reset_index(drop=True)
    mean = frame["yield_amount"].where(frame["yield_amount"] > 0)
    enough = frame["customers_count"] >= SMALLEST_GROUP
    affordable = (frame["yield_low_amount"].fillna(-np.inf) * most_share).to_numpy(dtype=float)
    place = np.select([affordable >= given[0], affordable >= given[1]], [0, 1], 2)
    service = pd.Series(np.array(LEVELS, dtype=object)[place]).astype("str").where(enough, _NOT_DECIDED)
    frame = frame.assign(adviser_share=given[0] / mean, team_share=given[1] / mean, service=service)
    chosen = frame[frame["service"] == LEVELS[0]]
    count = int(chosen["customers_count"].sum())
    estimates = {"advised_count": Estimate(float(count), unit="count", n=int(frame["customers_count"].sum()))}
    if len(chosen):
        lowest = chosen.loc[chosen["yield_amount"].idxmin()]
        limits = (given[0] / lowest["yield_high_amount"], given[0] / lowest["yield_low_amount"])
        estimates["adviser_break_even"] = Estimate(
            float(lowest["adviser_share"]), "share", *map(float, limits), int(lowest["customers_count"]),
            "bootstrap of the yield",
        )  # fmt: skip
    return Evidence(
        frame.drop(columns=["yield_low_amount", "yield_high_amount"]),
        title=_title(chosen, count),
        about=f"Service by cost: at most {share_text(most_share)} of the lower 95 % limit of the yield a customer; "
        f"adviser {amount_text(given[0], currency)}, team {amount_text(given[1], currency)} a customer a year",
        reading=_reading(chosen, frame, given, currency, most_share, estimates),
        estimates=estimates,
    )


def _title(chosen: pd.DataFrame, count: int) -> str:
    if not len(chosen):
        return "No tier yields enough for a personal adviser"
    tiers = " and ".join(chosen["tier"])
    return f"A personal adviser for the {tiers} tier{'s' if len(chosen) > 1 else ''}: {count_text(count)} customers"


def _reading(
    chosen: pd.DataFrame, frame: pd.DataFrame, costs: list[float], currency: str, most: float,
    estimates: dict[str, Estimate],
) -> str:  # fmt: skip
    cost = amount_text(costs[0], currency)
    if not len(chosen):
        top = frame.loc[frame["yield_amount"].idxmax()] if frame["yield_amount"].notna().any() else None
        said = f"; in the {top['tier']} tier it is {share_text(top['adviser_share'])}" if top is not None else ""
        return f"A personal adviser at {cost} a customer a year costs more than {share_text(most)} of any yield{said}."
    lowest = chosen.loc[chosen["yield_amount"].idxmin(), "tier"]
    return (
        f"{_title(chosen, int(chosen['customers_count'].sum()))}. At {cost} a customer a year it pays in the {lowest} "
        f"tier when it keeps or adds {estimates['adviser_break_even'].text} of the yield; whether it does, a trial "
        "tells."
    )


def plan_of_tiers(treated: Evidence, service: Evidence | None, holdings: Evidence | None = None) -> Evidence:
    """Put the service that a tier earns into the table of what to do for it, and who holds what is offered.

    Parameters
    ----------
    treated : Evidence
        What `crmlab.segmentation.treatment.treatments` found for the tiers, lowest first.
    service : Evidence or None
        What `service_levels` found; None where yields are not known: then the service is that of the treatments.
    holdings : Evidence, optional
        What `crmlab.segmentation.wealth.tier_holdings` found.

    Returns
    -------
    Evidence
        Frame, one row a tier: ``tier``, ``product`` (with the share who hold it, here and in the next tier up),
        ``channel``, ``service``, ``measure``.

    Examples
    --------
    >>> row = {"segment": "top", "product": "Pension plan", "channel": "branch", "service": "Usual", "measure": "Held"}
    >>> levels = Evidence(pd.DataFrame({"tier": ["top"], "service": ["personal adviser"]}), "Adviser: top", "", "")
    >>> treated = Evidence(pd.DataFrame([row | {"family": "pension"}]), "Pension", "", "")
    >>> plan_of_tiers(treated, levels).frame.values.tolist()
    [['top', 'Pension plan', 'branch', 'Personal adviser', 'Held']]
    """
    frame = treated.frame.rename(columns={"segment": "tier"})
    if holdings is not None and len(holdings.frame):
        frame = frame.assign(product=_held(frame, holdings.frame))
    frame = frame[["tier", "product", "channel", "service", "measure"]]
    if service is None:
        return replace(treated, frame=frame)
    levels = service.frame.set_index("tier")["service"].str.capitalize()
    return replace(
        treated,
        frame=frame.assign(service=frame["tier"].map(levels)),
        reading=f"{treated.title}. {service.title}. The last column says what a trial with a hold-out among those who "
        "may be reached would show.",
    )


def _held(frame: pd.DataFrame, holdings: pd.DataFrame) -> list[str]:
    """Say beside each offer who holds the family: of the tier, and of the next one up."""
    shares = holdings.set_index(["family", "tier"])["share"].where(holdings["n"].to_numpy() >= SMALLEST_GROUP).dropna()
    above = [*frame["tier"].tolist()[1:], ""]
    said = []
    families = frame["family"].str.replace("_", " ")
    for product, tier, family, up in zip(frame["product"], frame["tier"], families, above, strict=True):
        here, there = shares.get((family, tier)), shares.get((family, up))
        if here is None:
            said.append(product)
        elif there is None:
            said.append(f"{product}: held by {share_text(here)}")
        else:
            said.append(f"{product}: held by {share_text(here)}, {share_text(there)} of {up}")
    return said
