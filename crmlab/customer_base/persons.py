"""Is each customer one person of flesh and blood: rows and persons that stand there twice, staff's test customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import hypergeom, poisson

from crmlab.bank.engine import literal
from crmlab.bank.tables import CONTRACT
from crmlab.stats import Estimate, Evidence, count_text

if TYPE_CHECKING:
    from crmlab.bank import Bank

__all__ = ["dummy_customers", "duplicates"]

_SAYS = ("region", "district", "branch", "occupation", "education", "marital_status", "customer_id")
# A whole cell that says what it is; "Test Valley", a district, does not.
_TEST = r"(test|dummy|demo|fake)[ _-]?(customer|user|account|client|kunde|data)?[ _-]?[0-9]*"
_FAMILY = 3  # triplets share birth date and district, and nobody has more siblings of one day on the books


def duplicates(bank: Bank, *, false_alarm_rate: float = 0.05) -> Evidence:
    """Find rows that stand there twice, and more look-alike persons than chance explains.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Chance of an alarm about persons when nobody is there twice.

    Returns
    -------
    Evidence
        Frame: ``what``, ``found_count``, ``by_chance_count``, ``rows_count``, ``is_alarm``. Equal rows are told, and
        raise no alarm: two equal coffees on a day without clock times are two rows.

    Notes
    -----
    Rows of events: equal in every column but the key. Persons: pairs of customers with the same birth date, gender and
    district. Chance makes such pairs too: with birth dates independent of the other two, the number expected is (pairs
    equal in gender and district) x (pairs equal in birth date) / (all pairs). The number found is held against the
    Poisson law with that mean. Twins who live together are found too. Who came back under a new number, as
    ``previous_customer_id`` says, is one person by the bank's own word, and test customers have a check of their own
    (`dummy_customers`): both are left out.
    """
    rows = []
    for name in bank.tables:
        if name in ("customers", "products", "market", "snapshot", "campaigns") or len(CONTRACT[name].key) > 1:
            continue
        others = [f'"{c}"' for c in bank.columns(name) if c not in CONTRACT[name].key]
        total, extra = _equal_rows(bank, name, ", ".join(others))
        rows.append((f"{name.replace('_', ' ')}: rows equal but for the key", extra, np.nan, total, False))
    facts = [c for c in ("gender", "district") if bank.has(f"customers.{c}")]
    said = "Birth dates are not known, so persons cannot be compared."
    if bank.has("customers.birth_on"):
        found, chance, n = _look_alikes(bank, facts, false_alarm_rate)
        p = float(poisson.sf(found - 1, chance)) if chance > 0 else float(found == 0)
        alarm = p < false_alarm_rate
        what = " and ".join(["birth date", *facts]) if len(facts) < 2 else f"birth date, {facts[0]} and {facts[1]}"
        rows.append((f"customers: pairs with equal {what}", found, chance, n, alarm))
        said = (
            f"{count_text(found)} {'pair of customers shares' if found == 1 else 'pairs of customers share'} {what};"
            f" chance alone makes {chance:.1f}"
            f" ({'more than chance explains' if alarm else 'no more than chance explains'})."
        )
    names = ["what", "found_count", "by_chance_count", "rows_count", "is_alarm"]
    frame = pd.DataFrame(rows, columns=names)
    twice = int(frame.loc[frame["by_chance_count"].isna(), "found_count"].sum())
    rest = "No row of an event stands there twice." if not twice else f"{count_text(twice)} rows stand there twice."
    return Evidence(frame, "Rows and persons that look alike", "Full count", f"{rest} {said}")


def _equal_rows(bank: Bank, name: str, columns: str) -> tuple[int, int]:
    """Count all rows, and those that repeat another; the exact count only where hashes meet."""
    query = f"select count(*), count(distinct hash({columns})) from {name}"
    total, different = bank.sql(query).fetchall()[0]
    if total == different:
        return int(total), 0
    query = f"select coalesce(sum(n - 1), 0) from (select count(*) as n from {name} group by {columns})"
    return int(total), int(bank.sql(query).fetchall()[0][0])


def _look_alikes(bank: Bank, facts: list[str], false_alarm_rate: float) -> tuple[int, float, int]:
    left_out = _listed(_suspects(bank, false_alarm_rate)[0])
    back = ""
    if "previous_customer_id" in bank.columns("customers"):
        again = "select previous_customer_id from customers where previous_customer_id is not null"
        back = f" and customer_id not in ({again})"

    def pairs(columns: list[str]) -> int:
        known = " and ".join(f"{c} is not null" for c in ["birth_on", *facts])
        one_each = f"{known}{back} and customer_id not in ({left_out})"
        counts = f"select count(*) as n from customers where {one_each} group by {', '.join(columns) or 'true'}"
        return int(bank.sql(f"select coalesce(sum(n * (n - 1) // 2), 0) from ({counts})").fetchall()[0][0])

    n = bank.sql("select count(*) from customers").fetchall()[0][0]
    every = pairs([])
    chance = pairs(facts) * pairs(["birth_on"]) / every if every else 0.0
    return pairs(["birth_on", *facts]), chance, int(n)


def _listed(ids: list[str]) -> str:
    return ", ".join(literal(one) for one in ids) or "''"


def dummy_customers(bank: Bank, *, false_alarm_rate: float = 0.05) -> Evidence:
    """Find customers who are no persons: files that say so, and more people with the same facts than are born.

    Parameters
    ----------
    bank : Bank
        As of the day of the report.
    false_alarm_rate : float
        Chance of an alarm about people with the same facts when all are persons.

    Returns
    -------
    Evidence
        Frame: ``what``, ``customers_count``, ``by_chance_count``, ``is_alarm``. Estimate ``dummy_customers_count``.

    Notes
    -----
    Two tell-tales. A cell of the customers table that says nothing but test, dummy, demo or fake, with a number or the
    word customer, user, account; that is a fact and has no chance. And four or more customers with the same birth
    date, gender and district: if birth dates were independent of the other two, how many of those with the date
    also share gender and district would follow the hypergeometric law; its tail is multiplied by the number of
    customers, which is more than the groups looked at. A birth date that stands for "not known" is spread over all
    districts and is no test customer.
    """
    suspects, says, largest, chance = _suspects(bank, false_alarm_rate)
    cluster = len(suspects) - says
    frame = pd.DataFrame(
        [
            ("say test, dummy, demo or fake", says, 0.0, says > 0),
            ("share birth date, gender and district with three others or more", cluster, chance, largest > 0),
        ],
        columns=["what", "customers_count", "by_chance_count", "is_alarm"],
    )
    told = [f"{count_text(says)} say test, dummy, demo or fake in a cell of their own"] if says else []
    if largest:
        told.append(f"up to {largest} share one birth date, gender and district, where chance makes {chance:.2f}")
    said = f"{count_text(len(suspects))} customers look like test customers: {'; '.join(told)}."
    return Evidence(
        frame,
        "Customers who look like tests",
        "Full count",
        said if suspects else "No customer looks like a test customer.",
        {"dummy_customers_count": Estimate(float(len(suspects)), unit="count")},
    )


def _suspects(bank: Bank, false_alarm_rate: float) -> tuple[list[str], int, int, float]:
    """Return the suspects' ids, how many say so, the size of the largest group alike and its size by chance."""
    if not bank.has("customers"):
        return [], 0, 0, 0.0
    columns = [c for c in _SAYS if c in bank.columns("customers")]
    cell = " or ".join(f"regexp_full_match(lower({c}::varchar), '{_TEST}')" for c in columns)
    says = {one for (one,) in bank.sql(f"select customer_id from customers where {cell}").fetchall()}
    ids, largest, chance = set(says), 0, 0.0
    if bank.has("customers.birth_on", "customers.gender", "customers.district"):
        groups = bank.sql(
            f"""
            with known as (
                select *, count(*) over (partition by birth_on) as same_day,
                       count(*) over (partition by gender, district) as same_place, count(*) over () as n
                from customers where birth_on is not null and gender is not null and district is not null
            )
            select list(customer_id order by customer_id), count(*) as k, any_value(same_day), any_value(same_place),
                   any_value(n)
            from known group by birth_on, gender, district having k > {_FAMILY} order by k desc, 1
            """
        ).fetchall()
        for members, k, same_day, same_place, n in groups:
            if hypergeom.sf(k - 1, n, same_place, same_day) * n < false_alarm_rate:
                ids |= set(members)
                mean = same_day * same_place / n
                largest, chance = (k, mean) if k > largest else (largest, chance)
    return sorted(ids), len(says), int(largest), float(chance)
