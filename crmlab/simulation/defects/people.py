"""Defects of the customers table: staff's test customers, people with two numbers, other joiners, a leaking column."""

from __future__ import annotations

from crmlab.errors import refuse
from crmlab.simulation.defects.files import Planting

__all__ = ["plant_drift", "plant_duplicates", "plant_leak", "plant_tests"]

CLOSED = "Closed files"  # where the files of former customers are moved


def plant_tests(bank: Planting) -> list[dict]:
    """Add test customers: one birth date, gender and district for all, an account each and a cent a month.

    About 2 for every 1,000 customers, at least 8. Every second one says in region and occupation what it is. Each
    copies the rest of its file from a customer, joining day included.
    """
    ids = [name for (name,) in bank.rows("select customer_id from {table} order by 1", "customers")]
    models = bank.rows("select customer_id, joined_on::varchar from {table} order by 1", "customers")
    picked = sorted(bank.rng.permutation(len(models))[: max(8, round(0.002 * len(ids)))].tolist())
    block, size = ids[0][1:5], len(picked)
    new = [f"C{block}{99_999 - number:05d}" for number in range(size)]
    bank.register(
        "testers",
        number=list(range(size)), customer_id=new, account_id=[f"A{block}{999_999 - k:06d}" for k in range(size)],
        model=[models[place][0] for place in picked], day=[models[place][1] for place in picked],
    )  # fmt: skip
    product = bank.rows("select min(product_id) from {table} where family = 'current'", "products")[0][0]
    says = "t.number % 2 = 0"
    facts = {
        "customer_id": "t.customer_id", "left_on": "null::date", "left_reason": "null",
        "previous_customer_id": "null", "birth_on": "date '1990-01-01'", "gender": "'female'",
        "region": f"case when {says} then 'Test' else c.region end", "district": "'Old Town'",
        "occupation": f"case when {says} then 'test' else c.occupation end", "income_amount": "1.00",
    }  # fmt: skip
    copied = _select(bank, "customers", facts)
    joined = f"select {copied} from {{file}} c join testers t on c.customer_id = t.model"
    bank.rewrite("customers", f"from {{file}} union all by name {joined}")
    account = {
        "account_id": "t.account_id", "customer_id": "t.customer_id", "product_id": f"'{product}'",
        "opened_on": "t.day::date", "statement_frequency": "'monthly'",
    }  # fmt: skip
    bank.rewrite(
        "accounts", f"from {{file}} union all by name select {_fields(account)} from testers t where {{first}}"
    )
    first, last = bank.first_day(0), bank.first_day(bank.months - 1)
    months = (
        f"unnest(generate_series(greatest(date_trunc('month', day::date), date '{first}') + interval 1 month,"
        f" date '{last}', interval 1 month)) as m(month)"
    )
    number = "row_number() over (partition by number order by month)"
    series = f"(select t.*, {number} as n, month::date as month from testers t, {months}) as t"
    booking = {
        "transaction_id": f"'T{block}' || lpad((99999999 - 1000 * t.number - t.n)::varchar, 8, '0')",
        "account_id": "t.account_id", "occurred_at": "t.month::timestamp + interval 10 hour", "booked_on": "t.month",
        "amount": "0.01", "kind": "'transfer_in'", "channel": "'online'", "is_customer_initiated": "true",
        "counterparty": "'TEST'", "balance_after_amount": "(t.n / 100)::decimal(18, 2)",
    }  # fmt: skip
    _append(bank, "transactions", f"select {_fields(booking)} from {series}")
    balance = {
        "account_id": "t.account_id", "balance_on": "last_day(t.month)",
        "balance_amount": "(t.n / 100)::decimal(18, 2)",
    }  # fmt: skip
    _append(bank, "balances", f"select {_fields(balance)} from {series}")
    return [{"table": "customers", "rows": size, "customers": new}, {"table": "accounts", "rows": size}]


def _append(bank: Planting, table: str, rows: str) -> None:
    bank.rewrite(table, f"from {{file}} union all by name from ({rows}) where {{first}}")


def _columns(bank: Planting, table: str) -> list[str]:
    return [row[0] for row in bank.rows("describe from {table}", table)]


def _fields(given: dict[str, str]) -> str:
    return ", ".join(f"{expression} as {name}" for name, expression in given.items())


def _select(bank: Planting, table: str, replaced: dict[str, str]) -> str:
    """Return the columns of a table, copied from `c` but for those that are replaced."""
    return _fields({name: replaced.get(name, f"c.{name}") for name in _columns(bank, table)})


def plant_duplicates(bank: Planting) -> list[dict]:
    """Give some people a second number: it joined with a later account, which it owns, and varies in small things.

    About 1 for every 100 customers, at least 8. Of them 70 % keep birth date, gender and district; 15 % have day and
    month of birth swapped (where that gives a date), 15 % live in another district. Occupation and income of the
    second number are empty for every other one.
    """
    found = bank.rows(
        "select customer_id, max_by(account_id, (opened_on, account_id)), max(opened_on)::varchar from {table}"
        " where authorised_customer_id is null and closed_on is null"
        " group by 1 having count(*) > 1 and max(opened_on) > min(opened_on) order by 1",
        "accounts",
    )
    gone = {name for (name,) in bank.rows("select customer_id from {table} where left_on is not null", "customers")}
    second = {row[0]: row[1:] for row in found if row[0] not in gone}
    size = len(bank.rows("select customer_id from {table}", "customers"))
    chosen = bank.pick(list(second), 0.01 * size / max(len(second), 1), 8)
    numbers = [f"C{one[1:5]}{89_999 - place:05d}" for place, one in enumerate(chosen)]
    u = bank.rng.random(len(chosen))
    bank.register(
        "twice",
        customer_id=chosen, number=numbers, account_id=[second[one][0] for one in chosen],
        day=[second[one][1] for one in chosen], swapped=(u > 0.85).tolist(), moved=((u > 0.7) & (u <= 0.85)).tolist(),
        is_bare=[place % 2 == 1 for place in range(len(chosen))],
    )  # fmt: skip
    swapped = "make_date(year(c.birth_on), day(c.birth_on), month(c.birth_on))"
    elsewhere = "case c.district when 'Port' then 'Dunes' else 'Port' end"
    facts = {
        "customer_id": "t.number",
        "joined_on": "t.day::date",
        "birth_on": f"case when t.swapped and day(c.birth_on) <= 12 then {swapped} else c.birth_on end",
        "district": f"case when t.moved then {elsewhere} else c.district end",
        "occupation": "case when t.is_bare then null else c.occupation end",
        "income_amount": "case when t.is_bare then null else c.income_amount end",
        "district_facts_on": "t.day::date",
        "risk_tolerance": "null",
        "risk_assessed_on": "null::date",
    }
    again = f"select {_select(bank, 'customers', facts)} from {{file}} c join twice t using (customer_id)"
    bank.rewrite("customers", f"from {{file}} union all by name {again}")
    bank.rewrite(
        "accounts",
        "select a.* replace (coalesce(t.number, a.customer_id) as customer_id)"
        " from {file} a left join twice t on t.account_id = a.account_id",
    )
    return [
        {
            "table": "customers",
            "rows": len(chosen),
            "pairs": [list(pair) for pair in zip(chosen, numbers, strict=True)],
        },
        {"table": "accounts", "column": "customer_id", "rows": len(chosen)},
    ]


def plant_drift(bank: Planting) -> list[dict]:
    """Let another population join from a month on, and code bookings by mobile as online from the same month on.

    Seven of ten joiners then come through a partner scheme for students: 18 to 25 years old, from one region.
    """
    month = bank.months - min(12, max(3, 3 * bank.months // 8))
    day = bank.first_day(max(month, 1))
    ids = [
        name
        for (name,) in bank.rows(
            f"select customer_id from {{table}} where joined_on >= date '{day}' order by 1", "customers"
        )
    ]
    others = bank.pick(ids, 0.7, 1)
    ages = bank.rng.integers(18 * 365 + 5, 26 * 365, len(others)).tolist()
    bank.register("others", customer_id=others, age=ages)
    bank.rewrite(
        "customers",
        "select c.* replace (case when o.age is null then c.birth_on else c.joined_on - o.age::integer end as birth_on,"
        " case when o.age is null then c.acquisition_channel else 'partner' end as acquisition_channel,"
        " case when o.age is null then c.occupation else 'student' end as occupation,"
        " case when o.age is null then c.region else 'Capital' end as region)"
        " from {file} c left join others o using (customer_id)",
    )
    coded = f"channel = 'mobile' and booked_on >= date '{day}'"
    count = bank.rows(f"select count(*) from {{table}} where {coded}", "transactions")[0][0]
    bank.rewrite(
        "transactions",
        f"select * replace (case when {coded} then 'online' else channel end as channel) from {{file}}",
    )
    return [
        {"table": "customers", "columns": ["birth_on", "acquisition_channel", "occupation", "region"],
         "from": str(day), "rows": len(others)},
        {"table": "transactions", "column": "channel", "from": str(day), "rows": count},
    ]  # fmt: skip


def plant_leak(bank: Planting) -> list[dict]:
    """Overwrite facts without a date when a customer leaves: the branch and the four consents.

    The bank closes a file within two weeks, and forgets one in twenty.
    """
    ids = [
        name
        for (name,) in bank.rows(
            f"select customer_id from {{table}} where left_on <= date '{bank.last_day}' - 14 order by 1", "customers"
        )
    ]
    if not ids:
        refuse("plant leak: nobody has left this bank. Simulate more customers or more months.")
    closed = bank.pick(ids, 0.95, 1)
    bank.register("closed", customer_id=closed)
    consents = [name for name in _columns(bank, "customers") if name.startswith("is_") and name.endswith("_allowed")]
    flags = "".join(f", case when {{gone}} then false else {name} end as {name}" for name in consents)
    fields = (f"case when {{gone}} then '{CLOSED}' else branch end as branch" + flags).replace(
        "{gone}", "customer_id in (from closed)"
    )
    bank.rewrite("customers", f"select * replace ({fields}) from {{file}}")
    return [{"table": "customers", "columns": ["branch", *consents], "rows": len(closed)}]
