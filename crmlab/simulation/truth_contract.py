"""What the truth folder holds: each table and column is declared here, and written, checked and described from here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from crmlab.errors import nearest, refuse
from crmlab.simulation.campaigns import campaign_ids
from crmlab.simulation.clock import month_at
from crmlab.simulation.columns import dates, ids, words
from crmlab.simulation.comment_texts import THEMES, TONES
from crmlab.simulation.contacts import OUTCOMES
from crmlab.simulation.customers import WORDS
from crmlab.simulation.leads import SOURCES
from crmlab.simulation.market import POLICY_REGIMES
from crmlab.simulation.measures import SCOPES
from crmlab.simulation.opinions import LATENTS
from crmlab.simulation.relation import LIFE_EVENTS
from crmlab.simulation.segments import BEHAVIOUR, NEEDS
from crmlab.simulation.stages import STAGES
from crmlab.simulation.stress import CAUSES

__all__ = ["STATUSES", "TRUTH", "TRUTH_KINDS", "TruthColumn", "TruthTable", "describe_truth", "truth_table"]

STATUSES = ("active", "leaving", "silent", "dying", "left")  # in the order of the codes in `relation`

# Kind: how the column is stored. A module of the simulation notes positions, numbers of months, days and codes.
TRUTH_KINDS = {
    "customer": "text, as in `customers`; noted as the position in the block, without `_id`",
    "response": "text, as in `surveys`; noted as the number of the response in the block, without `_id`",
    "contact": "text, as in `contacts`; noted as the position in the block, without `_id`",
    "campaign": "text, as in `campaigns`; noted as its number, without `_id`",
    "opportunity": "text, as in `opportunities`; noted as its number in the block, without `_id`",
    "month": "date, last day of the month; noted as the number of the month, without `_on`",
    "day": "date",
    "number": "float32",
    "real": "float64",
    "count": "int32",
    "flag": "true or false",
    "word": "one of the words; noted as a code or as the word itself",
    "text": "text",
}


# noted without the ending of the column
_ENDED = ("customer", "response", "contact", "campaign", "opportunity", "month", "day")


@dataclass(frozen=True)
class TruthColumn:
    """One column of the truth.

    Parameters
    ----------
    name : str
        Name in the file.
    kind : str
        One of `TRUTH_KINDS`.
    about : str
        What it is, with unit and range.
    words : tuple of str
        Words of a ``word``, in the order of their codes.
    """

    name: str
    kind: str
    about: str
    words: tuple[str, ...] = ()

    @property
    def noted(self) -> str:
        """Name under which the simulation notes it.

        >>> TruthColumn("customer_id", "customer", "").noted, TruthColumn("hazard", "number", "").noted
        ('customer', 'hazard')
        """
        ending = {"month": "_on", "day": "_on"}.get(self.kind, "_id")
        return self.name.removesuffix(ending) if self.kind in _ENDED else self.name


@dataclass(frozen=True)
class TruthTable:
    """One table of the truth; ``is_common`` for one that is not written block by block."""

    name: str
    about: str
    columns: tuple[TruthColumn, ...]
    is_common: bool = False


_C = TruthColumn
_CUSTOMER = _C("customer_id", "customer", "customer, as in table `customers`")
_MONTH = _C("month_on", "month", "last day of the month")
_POINTS = "the same, points of the mean of the items of {}, before answers are rounded and cut at 0 and 10"

_TABLES = (
    TruthTable(
        "customers",
        "one customer: what the bank never sees of them",
        (
            _CUSTOMER,
            _C("joined_on", "day", "day of joining"),
            _C("left_on", "day", "day of leaving; empty while the relation lasts"),
            _C("left_reason", "word", "why the relation ended", WORDS["left_reason"]),
            _C("previous_customer_id", "customer", "number under which the person was here before; empty for most"),
            _C("partner_customer_id", "customer", "second person on the current account; empty for most"),
            _C("income", "number", "true net income a month at joining or on the first day, euros"),
            _C("behaviour_segment", "word", "how they bank", BEHAVIOUR),
            _C("needs_segment", "word", "what they bank for", NEEDS),
            _C("total_wealth", "number", "financial wealth at all banks at the start, euros"),
            _C("wealth", "number", "the part held here"),
            _C("is_main", "flag", "this is the main bank: the salary comes here"),
            _C("engagement", "number", "frequency of everything the customer starts, mean near 1"),
            _C("digital", "number", "affinity to online and mobile, 0 to 1"),
            _C("price", "number", "sensitivity to fees and rates, 0 to 1"),
            _C("image", "number", "standing image of the bank, mean near 0, standard deviation near 1"),
            _C("thrift", "number", "share of income left after a normal month"),
            _C("card_pace", "number", "card payments a month where the salary comes here"),
            _C("cash_pace", "number", "cash withdrawals a month, likewise"),
            _C("transfer_pace", "number", "transfers to others a month, likewise"),
            _C("login_pace", "number", "logins a month, likewise"),
            _C("ticket", "number", "multiple of the usual amount a payment"),
            _C("unsteadiness", "number", "standard deviation of the log of a month's pace"),
            _C("mobile", "number", "share of mobile in digital use, 0 to 1"),
            _C("desk", "number", "share of the counter in cash, 0 to 1"),
            _C("risk_class", "count", "true risk tolerance, 0 cautious to 4 aggressive"),
            _C("is_tenant", "flag", "pays rent"),
            _C("is_guest", "flag", "uses the partner's account and holds none"),
            _C("is_dormant", "flag", "silent from the first day on"),
            _C("is_leaving", "flag", "on the way out on the first day"),
        ),
    ),
    TruthTable(
        "months",
        "one customer and month while the relation lasts, at the end of the month",
        (
            _CUSTOMER,
            _MONTH,
            _C("status", "word", "where the relation stands after the decisions of the month", STATUSES[:-1]),
            _C("hazard", "number", "probability to decide in this month to leave, 0 to 1; 0 for who is not active"),
            _C("hazard_of_closing", "number", "the part of it that ends in closing the accounts, not in silence"),
            _C("death_chance", "number", "probability at the start of the month to die in it, 0 to 1"),
            _C("adoption_chance", "number", "probability to order a product in this month, 0 to 1"),
            _C("stage", "word", "lifecycle stage at the end of the month", STAGES),
            _C("stress", "number", "depth of financial stress, 0 to 1; 0 for none or where the bank could not see it"),
            _C("has_missed", "flag", "missed a bill or an instalment this month"),
            *(_C(name, "number", f"latent {name.replace('_', ' ')}, mean near 0, sd near 1") for name in LATENTS),
        ),
    ),
    TruthTable(
        "departures",
        "one decision of a customer to leave",
        (
            _CUSTOMER,
            _MONTH,
            _C("kind", "word", "how the relation will end", ("closing", "silence")),
            _C("months_to_close", "count", "months until the accounts close; -1 for silence"),
        ),
    ),
    TruthTable(
        "life_events",
        "one event in the life of a customer",
        (_CUSTOMER, _MONTH, _C("kind", "word", "what happened", LIFE_EVENTS)),
    ),
    TruthTable(
        "risk_onsets",
        "one beginning of financial stress of a customer whose income is paid here",
        (
            _CUSTOMER,
            _MONTH,
            _C("cause", "word", "why", CAUSES),
            _C("severity", "number", "depth of the stress, 0 to 1"),
        ),
    ),
    TruthTable(
        "comment_themes",
        "one theme of one comment in table `surveys`",
        (
            _C("response_id", "response", "response, as in table `surveys`"),
            _CUSTOMER,
            _C("month_on", "month", "last day of the month of the answer"),
            _C("theme", "word", "what it is about", THEMES),
            _C("tone", "word", "how it is meant", TONES),
        ),
    ),
    TruthTable(
        "campaign_effects",
        "one contact, treated or held out: the chance of what the campaign wanted, with and without it",
        (
            _C("contact_id", "contact", "contact, as in table `contacts`"),
            _C("campaign_id", "campaign", "campaign, as in table `campaigns`"),
            _CUSTOMER,
            _C("month_on", "month", "last day of the month of the contact"),
            _C(
                "outcome",
                "word",
                "what was wanted: open an account of the family, stay, return, join the programme",
                tuple(OUTCOMES.values()),
            ),
            _C("if_treated_share", "number", "chance of it within the window if treated, read or not, 0 to 1"),
            _C("if_held_out_share", "number", "chance of it if held out"),
            _C("effect_share", "number", "the first less the second; below 0 for who is better left alone"),
        ),
    ),
    TruthTable(
        "opportunities",
        "one sales opportunity, as it began",
        (
            _C("opportunity_id", "opportunity", "opportunity, as in table `opportunities`"),
            _CUSTOMER,
            _C("month_on", "month", "last day of the month of the lead"),
            _C("source", "word", "what it began with", SOURCES),
            _C("is_wanted", "flag", "the customer wanted the product when the lead was noted"),
            _C("is_forgotten", "flag", "the employee never works on it"),
            _C("chance", "number", "chance of that month to want the product, 0 to 1"),
            _C("persuasion", "number", "what the employee adds to the log chance of each month of work"),
            _C("pace", "number", "factor of the employee on the days a stage takes"),
            _C("scrutiny", "number", "what the employee adds to the log odds to drop a lead that nobody wants"),
        ),
    ),
    TruthTable(
        "members",
        "one member of the points programme",
        (
            _CUSTOMER,
            _C("month_on", "month", "last day of the month of joining; of the first month for members of old"),
            _C("member_since_on", "day", "day of joining the programme"),
            _C("chance", "number", "probability of joining in that month, 0 to 1"),
            _C("waits_for_points", "count", "points for which the member waits before redeeming; -1 for never"),
        ),
    ),
    TruthTable(
        "expected_value",
        "one customer and June or December, while the relation lasts",
        (
            _CUSTOMER,
            _MONTH,
            _C("value", "number", "expected margin and fees of the twelve month-ends after this month, euros"),
        ),
    ),
    TruthTable(
        "stage_moves",
        "one month and pair of stages, over all customers of the bank who were there the month before",
        (
            _MONTH,
            _C("stage", "word", "stage at the end of the month before", STAGES),
            _C("next_stage", "word", "stage at the end of the month", STAGES),
            _C("customers", "count", "customers who were in the first stage"),
            _C("expected", "real", "sum of their true probabilities to be in the second one"),
            _C("variance", "real", "variance of the number who are, given these probabilities"),
            _C("observed", "count", "customers who are"),
        ),
        is_common=True,
    ),
    TruthTable(
        "measures",
        "one measure of improvement in table `measures`: what it truly does where it runs",
        (
            _C("measure_id", "text", "measure, as in table `measures`"),
            _C("month_on", "month", "last day of the month of its start; it acts from the month after, in full"),
            _C("scope", "word", "as in table `measures`", SCOPES),
            _C("indicator", "word", "latent variable whose disturbance it lifts", LATENTS),
            _C(
                "direct_effect_sd",
                "real",
                "lift of the indicator, in standard deviations: all that it does to it",
            ),
            _C(
                "satisfaction_effect_sd",
                "real",
                "what that does to satisfaction over all paths, in its standard deviations",
            ),
            _C("loyalty_effect_sd", "real", "the same for loyalty"),
            _C("indicator_effect_points", "real", _POINTS.format("indicator")),
            _C("satisfaction_effect_points", "real", _POINTS.format("satisfaction")),
            _C("loyalty_effect_points", "real", _POINTS.format("loyalty")),
        ),
        is_common=True,
    ),
    TruthTable(
        "market",
        "one month of the market, from five years before the bank's first month on",
        (
            _MONTH,
            _C("policy_rate", "real", "policy rate a year, share"),
            _C("policy_regime", "word", "what the policy rate does for about a year", POLICY_REGIMES),
            _C("competitor_rate", "real", "competitors' rate on savings a year, share"),
            _C("competitor_gap", "real", "what moves it beside the policy rate, share"),
            _C("deposits_trend", "real", "trend of the system's deposits, euros"),
            _C("deposits_season", "real", "its season, a factor near 1"),
            _C("deposits_noise", "real", "what is left, a factor near 1; deposits are the product of the three"),
            _C("service_incident", "real", "severity of a breakdown of the bank's service, 0 for none, to 1"),
        ),
        is_common=True,
    ),
)

TRUTH = {table.name: table for table in _TABLES}


def truth_table(name: str, noted: Mapping[str, object], block: int = 0) -> pa.Table:
    """Return what was noted as a declared table; refuse what is not declared, and what is missing.

    Parameters
    ----------
    name : str
        Name of the table in `TRUTH`.
    noted : mapping of str to array
        Columns by the name under which they are noted; nothing at all gives a table without rows.
    block : int
        Number of the block, for ids.

    Examples
    --------
    >>> month = truth_table("months", {})
    >>> month.num_rows, month.schema.field("hazard").type
    (0, DataType(float))
    """
    where = "Declare it in crmlab/simulation/truth_contract.py."
    if name not in TRUTH:
        refuse(f"truth: table {name} is noted and not declared.{nearest(name, TRUTH)} {where}")
    columns = {column.noted: column for column in TRUTH[name].columns}
    if noted:
        extra = [f"truth: {name}.{key} is noted and not declared. {where}" for key in noted if key not in columns]
        lacking = [
            f"truth: {name}.{key} is declared and not noted. Note it, or take it out of the declaration."
            for key in columns
            if key not in noted
        ]
        refuse(*extra, *lacking)
    empty = np.zeros(0, dtype=np.int64)
    return pa.table({one.name: _column(one, noted.get(key, empty), block) for key, one in columns.items()})


def _column(column: TruthColumn, values: object, block: int) -> pa.Array:
    values = np.asarray(values)
    if column.kind == "customer":
        names = ids("C", block, np.maximum(values, 0), 5)
        return pc.if_else(values >= 0, names, None) if (values < 0).any() else names
    if column.kind == "response":
        return ids("R", block, values, 7)
    if column.kind == "contact":
        return ids("K", block, values, 7)
    if column.kind == "opportunity":
        return ids("O", block, values, 6)
    if column.kind == "campaign":
        return campaign_ids(values)
    if column.kind == "month":
        months, position = np.unique(values, return_inverse=True)
        return dates(np.array([month_at(int(month)).last for month in months], dtype=np.int64)[position])
    if column.kind == "day":
        return dates(values)
    if column.kind == "word":
        if values.dtype.kind in "UO":
            code = {word: position for position, word in enumerate(column.words)}
            values = np.array([code[word] for word in values], dtype=np.int8)
        return words(values, column.words)
    if column.kind == "text":
        return pa.array(values if values.size else [], pa.string())
    return pa.array(
        values,
        {"number": pa.float32(), "real": pa.float64(), "count": pa.int32(), "flag": pa.bool_()}[column.kind],
        safe=False,
    )


def describe_truth() -> str:
    """Return the truth tables as Markdown, for `data/README.md` and for the README beside the data."""
    parts = ["| table | one row is | files |\n|---|---|---|\n"]
    for table in TRUTH.values():
        files = f"`{table.name}.parquet`" if table.is_common else f"`{table.name}/part-*.parquet`, one a block"
        parts.append(f"| {table.name} | {table.about} | {files} |\n")
    for table in TRUTH.values():
        parts.append(f"\n### truth/{table.name}\n{table.about[0].upper()}{table.about[1:]}.\n\n")
        parts.append("| column | kind | meaning |\n|---|---|---|\n")
        for column in table.columns:
            listed = ": " + ", ".join(f"`{word}`" for word in column.words) if column.words else ""
            parts.append(f"| `{column.name}` | {column.kind} | {column.about}{listed} |\n")
    return "".join(parts)
