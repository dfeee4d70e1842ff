"""SQL of a snapshot: one definition, written for DuckDB, transpiled to any other engine."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crmlab.bank.tables import CONTRACT
from crmlab.errors import nearest, refuse
from crmlab.snapshots.blocks import BLOCKS, ROLLUPS, WINDOWS
from crmlab.snapshots.dates import MONTH_END, add_months, anchor_of, month_index, read_dates
from crmlab.snapshots.feature import Feature
from crmlab.snapshots.features import FEATURES
from crmlab.snapshots.needs import references

__all__ = ["Statement", "absent_features", "choose", "snapshot_sql"]

_CACHING = ("spark", "spark2", "databricks")  # a temporary view there is computed anew for each reader


@dataclass(frozen=True)
class Statement:
    """One SQL statement of a snapshot.

    Parameters
    ----------
    sql : str
        The statement, in the dialect asked for.
    creates : str
        Name of the temporary table it makes (a roll-up), or empty.
    as_of : datetime.date or None
        Date of the snapshot it returns; None for a roll-up.
    """

    sql: str
    creates: str = ""
    as_of: dt.date | None = None


def snapshot_sql(
    dates: object,
    tables_available: Mapping[str, Iterable[str]] | Iterable[str] | None = None,
    dialect: str = "duckdb",
    *,
    features: Sequence[str] | None = None,
) -> list[Statement]:
    """Write the statements that make the snapshot of each date, for any engine.

    Run them in order on one connection. Statements with `creates` roll the rows up once, into a temporary table; each
    of the others returns one row a customer at its `as_of`: ``customer_id``, ``as_of``, then the features.

    Parameters
    ----------
    dates : str, date, or several
        Days to look from; the whole day counts.
    tables_available : mapping of table to columns, or tables, optional
        What the warehouse holds, under the contract's names. Tables alone: with every column of the contract. None:
        every table. Features without their columns are left out.
    dialect : str
        A dialect of sqlglot: ``duckdb``, ``spark``, ``snowflake``, ``bigquery``, ``postgres``, ...
    features : sequence of str, optional
        Names of the features wanted. None: all.

    Returns
    -------
    list of Statement
        Roll-ups first, then one statement a date, in order of dates.

    Notes
    -----
    The tables are the contract's, with money as BIGINT minor units (cents), dates as DATE, and times as the bank's
    local time without zone; amounts come back in minor units. Set the session's time zone to UTC where the engine has
    no time without zone. Sums are whole numbers, so that every engine gives the same bits; each share, mean and slope
    is one division of two whole numbers in double precision, at the end.

    Dates that end their month share one roll-up; so do dates on the same day of the month.

    Examples
    --------
    >>> roll_up, january, february = snapshot_sql(
    ...     ["2024-01-31", "2024-02-29"], ["customers", "accounts", "transactions"], features=["in_3m_amount"]
    ... )
    >>> roll_up.creates, str(january.as_of), str(february.as_of)
    ('crmlab_transactions_31', '2024-01-31', '2024-02-29')
    """
    days = read_dates(dates)
    available = _available(tables_available)
    chosen = [feature for feature in choose(features) if not _missing(feature, available)]
    statements = []
    for anchor in sorted({anchor_of(day) for day in days}):
        group = [day for day in days if anchor_of(day) == anchor]
        statements += _roll_ups(group, anchor, chosen, available)
    # Balances are always of month ends: one roll-up serves every date.
    statements = list({statement.creates: statement for statement in statements}.values())
    if any(BLOCKS[block].rollup == "balances" for block, _ in _used(chosen)):
        statements.append(_roll_up("balances", list(days), MONTH_END, chosen, available))
    statements += [Statement(_select(day, chosen, available), as_of=day) for day in days]
    if dialect == "duckdb":
        return [
            Statement(f"create temporary table {s.creates} as\n{s.sql}" if s.creates else s.sql, s.creates, s.as_of)
            for s in statements
        ]
    return [Statement(_transpiled(s, dialect), s.creates, s.as_of) for s in statements]


def choose(names: Sequence[str] | None, known: Sequence[Feature] = FEATURES) -> list[Feature]:
    """Return the features named, in the order of the definition; unknown names are refused."""
    if names is None:
        return list(known)
    if isinstance(names, str):
        names = [names]
    by_name = {feature.name: feature for feature in known}
    refuse(
        *(
            f"snapshot has no feature {name!r}.{nearest(name, by_name)} feature_dictionary() lists all."
            for name in names
            if name not in by_name
        )
    )
    wanted = set(names)
    return [feature for feature in known if feature.name in wanted]


def absent_features(
    chosen: Iterable[Feature], tables_available: Mapping[str, Iterable[str]] | Iterable[str] | None
) -> dict[str, str]:
    """Say which features a bank cannot have, and why.

    >>> absent_features(choose(["age_years"]), {"customers": ["customer_id", "joined_on"]})
    {'age_years': 'this bank has no customers.birth_on'}
    """
    available = _available(tables_available)
    reasons = {}
    for feature in chosen:
        missing = _missing(feature, available)
        tables = dict.fromkeys(need.split(".")[0] for need in missing)
        gone = [table if table not in available else None for table in tables]
        parts = [table for table in gone if table] + [n for n in missing if n.split(".")[0] in available]
        if parts:
            reasons[feature.name] = f"this bank has no {', no '.join(parts)}"
    return reasons


def _available(tables: Mapping[str, Iterable[str]] | Iterable[str] | None) -> dict[str, frozenset[str]]:
    if tables is None:
        tables = CONTRACT.keys()
    if not isinstance(tables, Mapping):
        tables = {table: CONTRACT[table].by_name for table in tables}
    return {table: frozenset(columns) for table, columns in tables.items()}


def _missing(feature: Feature, available: Mapping[str, frozenset[str]]) -> list[str]:
    return [need for need in feature.needs if need.split(".")[1] not in available.get(need.split(".")[0], ())]


def _used(chosen: Iterable[Feature]) -> list[tuple[str, str]]:
    return list(dict.fromkeys(pair for feature in chosen for pair in references(feature.sql)))


def _block_expressions(block: str, chosen: Iterable[Feature]) -> dict[str, str]:
    """Columns of a block that the features read, with their expressions."""
    totals, picks = BLOCKS[block].totals, BLOCKS[block].picks
    columns = [column for name, column in _used(chosen) if name == block]
    return {column: f"cast({totals[column]} as bigint)" if column in totals else picks[column] for column in columns}


def _roll_ups(
    group: list[dt.date], anchor: int, chosen: list[Feature], available: Mapping[str, frozenset[str]]
) -> list[Statement]:
    used = {BLOCKS[block].rollup for block, _ in _used(chosen)} - {"", "balances"}
    return [_roll_up(name, group, anchor, chosen, available) for name in ROLLUPS if name in used]


def _roll_up_name(name: str, anchor: int) -> str:
    return f"crmlab_{name}" if name == "balances" else f"crmlab_{name}_{anchor}"


def _index(day: str, anchor: int) -> str:
    """SQL twin of `crmlab.snapshots.dates.month_index`."""
    after = "" if anchor == MONTH_END else f" + case when day({day}) > {anchor} then 1 else 0 end"
    return f"cast(year({day}) * 12 + month({day}){after} as bigint)"


def _roll_up(
    name: str, days: list[dt.date], anchor: int, chosen: list[Feature], available: Mapping[str, frozenset[str]]
) -> Statement:
    """Level 1: whole numbers for each customer and month, from rows the bank knew by the last of the dates."""
    rollup = ROLLUPS[name]
    named = " ".join(
        expression
        for block in BLOCKS
        if BLOCKS[block].rollup == name
        for expression in _block_expressions(block, chosen).values()
    )
    states = {key: state for key, state in rollup.states.items() if re.search(rf"\b{key}\b", named)}
    known = f"{rollup.day} <= {_day(days[-1])}"
    columns = "".join(f",\n    {_whole(state.sql, state.merge)} as {key}" for key, state in states.items())
    merged = "".join(f",\n  {_whole(f'{s.merge}(r.{key})', s.merge)} as {key}" for key, s in states.items())
    # Months before every window say only when something happened last: they share one row.
    floor = month_index(days[0], anchor) - max(WINDOWS)
    index = f"greatest({_index(rollup.day, anchor)}, {floor})"
    if name == "balances":
        fee = "p.fee_amount" if "fee_amount" in available["products"] else "cast(null as bigint) as fee_amount"
        margin = "p.margin_share" if "margin_share" in available["products"] else "cast(null as double) as margin_share"
        month = _index("b.balance_on", anchor)
        # A balance before the account was opened is no balance.
        rows = "balances b join accounts a on a.account_id = b.account_id and b.balance_on >= a.opened_on"
        last_known = (
            f"select max({month}) from {rows} where {month} <= {_last_month_end(days[0])} and a.{_has_joined(days[0])}"
        )
        sql = (
            f"with r as (\n  select a.customer_id, {month} as month_index, b.balance_amount,"
            f" p.family, {margin}, {fee}\n"
            f"  from {rows}\n"
            "  left join products p on p.product_id = a.product_id\n"
            f"  where b.{known} and {month} > coalesce(({last_known}), 0) - {max(WINDOWS)}\n)\n"
            f"select customer_id, month_index{columns}\nfrom r group by customer_id, month_index"
        )
    elif name == "transactions":
        # By account first: ten million rows are then not joined. What was booked before an opening is known from it.
        sql = (
            f"with r as (\n  select account_id, {index} as month_index{columns}\n"
            f"  from transactions where {known} group by 1, 2\n)\n"
            f"select a.customer_id, greatest(r.month_index, {_index('a.opened_on', anchor)}) as month_index{merged}\n"
            "from r join accounts a on a.account_id = r.account_id\ngroup by 1, 2"
        )
    else:
        sql = f"select customer_id, {index} as month_index{columns}\nfrom {name} where {known} group by 1, 2"
    return Statement(sql, creates=_roll_up_name(name, anchor))


def _whole(expression: str, merge: str) -> str:
    """Sums stay 64-bit (DuckDB would make them 128-bit, which not every engine has)."""
    return f"cast({expression} as bigint)" if merge == "sum" else expression


def _day(date: dt.date) -> str:
    return f"date '{date.isoformat()}'"


def _has_joined(day: dt.date) -> str:
    """Condition on rows of customers known by a date: balances of others must not tell how far the bank's reach."""
    return f"customer_id in (select customer_id from customers where joined_on <= {_day(day)})"


def _last_month_end(day: dt.date) -> int:
    """Number of the month of the last month end on or before a date."""
    return month_index(day) - (anchor_of(day) != MONTH_END)


def _select(day: dt.date, chosen: list[Feature], available: Mapping[str, frozenset[str]]) -> str:
    """Level 2: one row for each customer of the date."""
    facts = {
        "as_of": _day(day),
        "year_ago": _day(add_months(day, -12)),
        "in_3_months": _day(add_months(day, 3)),
        "as_of_year": str(day.year),
        "as_of_month_day": str(day.month * 100 + day.day),
    }
    used = list(dict.fromkeys(block for block, _ in _used(chosen) if block != "profile"))
    profile = [column for block, column in _used(chosen) if block == "profile"]
    left = f" and (left_on is null or left_on > {facts['as_of']})" if "left_on" in available["customers"] else ""
    parts = [
        f"profile as (\n  select {', '.join(dict.fromkeys(['customer_id', *profile]))}\n  from customers"
        f" where joined_on <= {facts['as_of']}{left}\n)"
    ]
    if {"holding", "authorised"} & set(used):
        parts.append(_known_accounts(facts["as_of"], available))
    parts += [_block(block, day, facts, chosen, available) for block in used]
    columns = "".join(f",\n  {_final(feature, facts)} as {feature.name}" for feature in chosen)
    joins = "".join(f"\nleft join {block} on {block}.customer_id = profile.customer_id" for block in used)
    return (
        f"with {', '.join(parts)}\nselect profile.customer_id, {facts['as_of']} as as_of{columns}\n"
        f"from profile{joins}\norder by profile.customer_id"
    )


def _known_accounts(as_of: str, available: Mapping[str, frozenset[str]]) -> str:
    accounts = [column for column in CONTRACT["accounts"].by_name if column in available["accounts"]]
    products = "products" in available and "product_id" in available["accounts"]
    family = "p.family" if products and "family" in available["products"] else "cast(null as varchar)"
    closed = "a.closed_on is null or a.closed_on > " + as_of if "closed_on" in accounts else "true"
    return (
        f"known_accounts as (\n  select {', '.join(f'a.{column}' for column in accounts)},"
        f" {family} as family, ({closed}) as is_open\n  from accounts a"
        + ("\n  left join products p on p.product_id = a.product_id" if products else "")
        + f"\n  where a.opened_on <= {as_of}\n)"
    )


def _block(
    name: str, day: dt.date, facts: dict[str, str], chosen: list[Feature], available: Mapping[str, frozenset[str]]
) -> str:
    block = BLOCKS[name]
    expressions = _block_expressions(name, chosen)
    key, where = "customer_id", ""
    if name == "worth":
        table = _roll_up_name("balances", MONTH_END)
        month = _last_month_end(day)
        source = (
            f"{table} cross join (select max(month_index) as last_month from {table} where month_index <= {month}"
            f" and {_has_joined(day)}) k"
        )
        where = f"month_index <= k.last_month and month_index > k.last_month - {max(WINDOWS)}"
        month_sql = "k.last_month"
    elif block.rollup:
        anchor = anchor_of(day)
        source = _roll_up_name(block.rollup, anchor)
        month_sql = str(month_index(day, anchor))
        where = f"month_index <= {month_sql}"
        if not block.is_ever:
            where += f" and month_index > {month_sql} - {max(WINDOWS)}"
    elif name == "unresolved":
        month_sql, source = "", "interactions"
        where = f"kind = 'complaint' and cast(opened_at as date) <= {facts['as_of']}"
        if "resolved_at" in available["interactions"]:
            where += f" and (resolved_at is null or cast(resolved_at as date) > {facts['as_of']})"
    else:
        month_sql, source = "", "known_accounts"
        if name == "authorised":
            key, where = "authorised_customer_id", "authorised_customer_id is not null"
    columns = "".join(
        f",\n    {expression.format(month=month_sql, **facts)} as {column}"
        for column, expression in expressions.items()
    )
    condition = f" where {where}" if where else ""
    return f"{name} as (\n  select {key} as customer_id{columns}\n  from {source}{condition} group by {key}\n)"


def _final(feature: Feature, facts: dict[str, str]) -> str:
    """The feature's expression; sums of a customer without rows are 0."""
    sql = feature.sql
    for block, column in references(sql):
        if column in BLOCKS[block].totals:
            sql = re.sub(rf"\b{block}\.{column}\b", f"coalesce({block}.{column}, 0)", sql)
    sql = sql.format(**facts)
    if feature.kind == "word":
        return sql
    if feature.kind == "flag":
        return sql
    engine = {"count": "bigint", "days": "bigint", "years": "bigint"}.get(feature.kind)
    return f"cast({sql} as {engine})" if engine else sql


def _transpiled(statement: Statement, dialect: str) -> str:
    import sqlglot

    if dialect in _CACHING and statement.creates:
        select = sqlglot.transpile(statement.sql, read="duckdb", write=dialect, pretty=True)[0]
        return f"CACHE TABLE {statement.creates} AS\n{select}"
    create = f"create temporary table {statement.creates} as " if statement.creates else ""
    return sqlglot.transpile(create + statement.sql, read="duckdb", write=dialect, pretty=True)[0]
