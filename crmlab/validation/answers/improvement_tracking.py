"""What is true of the numbers of notebook 22: which measures worked, and how opinions changed from wave to wave."""

from __future__ import annotations

from functools import partial

import pandas as pd

from crmlab.validation.case import Case, Known, TrueValue, Unknown
from crmlab.validation.opinion_index import opinions_in, true_index

__all__ = ["NOTEBOOK", "NO_TRUTH", "TRUTHS"]

NOTEBOOK = "22_improvement_tracking"
_LATENTS = ("image", "expectations", "product_quality", "service_attitude", "handling_efficiency", "value",
            "satisfaction", "loyalty")  # fmt: skip
_MEASURES = ("M01", "M02", "M03")


def _count(case: Case) -> Known:
    day = pd.Timestamp(case.bank.date)
    table = case.truth.table("measures", columns=["measure_id", "month_on"])
    begun = table["month_on"].dt.to_period("M") <= day.to_period("M")
    return Known(float(begun.sum()), "Counted in the truth: measures that had started by the day.")


def _effect(case: Case, measure_id: str) -> Known | Unknown:
    """What a measure does to the index of its indicator, in the first wave after its start, where it runs."""
    rows = case.truth.table("measures").set_index("measure_id")
    if measure_id not in rows.index:
        return Unknown("The measure had not started.")
    measure = rows.loc[measure_id]
    lift, latent = float(measure["direct_effect_sd"]), str(measure["indicator"])
    if lift == 0:
        return Known(0.0, "Planted: the measure does nothing.")
    later = [day for day in _wave_days(case) if day > measure["month_on"]]
    if not later:
        return Unknown("No wave has been in the field since it acts.")
    opinions = opinions_in(case.truth, later[0])[latent]
    if measure["scope"] == "branch":
        opinions = opinions[opinions.index.isin(_reached(case, measure_id))]
    if not len(opinions):
        return Unknown("No customer was there whom it reached.")
    gain = true_index(case.truth, opinions, latent) - true_index(case.truth, opinions - lift, latent)
    return Known(
        float(gain.mean()),
        f"Planted: {lift:g} standard deviations of the indicator. The mean over the customers it reached of what that "
        "does to their expected answers, which are whole numbers from 0 to 10, as points of the index.",
    )


def _change(case: Case, latent: str) -> Known | Unknown:
    days = _wave_days(case)
    if len(days) < 2:
        return Unknown("There are no two waves.")
    means = [float(true_index(case.truth, opinions_in(case.truth, day)[latent], latent).mean()) for day in days[-2:]]
    return Known(
        means[1] - means[0],
        "Expected answers of all customers of the bank in the months of both waves, from their true opinions; the "
        "items count alike.",
    )


def _reached(case: Case, measure_id: str) -> set[str]:
    places = case.bank.frame("measures", ["measure_id", "scope_value"])
    where = set(places.loc[places["measure_id"] == measure_id, "scope_value"].astype("str"))
    customers = case.bank.frame("customers", ["customer_id", "branch"])
    return set(customers.loc[customers["branch"].isin(where), "customer_id"])


def _wave_days(case: Case) -> list[pd.Timestamp]:
    """First answers of the yearly waves that the notebook looked at."""
    rows = case.bank.sql(
        "select wave, min(answered_at) from surveys where wave like 'yearly %' group by wave order by 2"
    ).fetchall()
    last = case.parameters.get("wave") or (rows[-1][0] if rows else "")
    names = [name for name, _ in rows]
    kept = rows[: names.index(last) + 1] if last in names else rows
    return [pd.Timestamp(day) for _, day in kept]


TRUTHS: dict[str, TrueValue] = {
    "measures_count": _count,
    **{f"effect_{name.lower()}": partial(_effect, measure_id=name) for name in _MEASURES},
    **{f"change_{name}": partial(_change, latent=name) for name in _LATENTS},
}
_SIZE = "Which effects are beyond chance depends on how many answers there are to see them by."
NO_TRUTH: dict[str, str] = {
    "worked_count": _SIZE,
    "only_looked_count": _SIZE,
    "naive_*": "Before and after holds all that happened in the year and the luck of the places chosen; it is shown "
    "because it misleads.",
    "index_*": "Satisfied customers answer more often, so the level has no plain truth; the page on the index says "
    "more.",
    "change_nps": "The share of promoters less detractors among those who answer follows from rounded answers; the "
    "indices stand for it.",
    "csat_usual": "Who has contacts, about what and how they end, makes the usual level; nothing in the simulation "
    "states it.",
    "csat_signals_count": _SIZE,
    "places_moved_count": _SIZE,
}
