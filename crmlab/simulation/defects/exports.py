"""Defects of an export: cents for euros, orphan accounts, a feed that stopped, a file in two forms and encodings."""

from __future__ import annotations

from crmlab.bank.engine import literal
from crmlab.simulation.defects.files import Planting

__all__ = ["plant_dates", "plant_orphans", "plant_stale", "plant_units"]


def plant_units(bank: Planting) -> list[dict]:
    """Multiply card payments by 100 from the last third of the bank's months on, as a feed in cents would."""
    day = bank.first_day(max(1, 2 * bank.months // 3))
    wrong = f"kind = 'card_payment' and booked_on >= date '{day}'"
    count = bank.rows(f"select count(*) from {{table}} where {wrong}", "transactions")[0][0]
    amount = f"case when {wrong} then 100 * amount else amount end::decimal(18, 2)"
    bank.rewrite("transactions", f"select * replace ({amount} as amount) from {{file}}")
    return [{"table": "transactions", "column": "amount", "kind": "card_payment", "from": str(day), "rows": count}]


def plant_orphans(bank: Planting) -> list[dict]:
    """Give about 8 of 1,000 accounts, at least 3, an owner who is not in the customers table."""
    ids = [name for (name,) in bank.rows("select account_id from {table} order by 1", "accounts")]
    lost = bank.pick(ids, 0.008, 3)
    bank.register("lost", account_id=lost)
    bank.rewrite(
        "accounts",
        "select * replace (case when account_id in (from lost) then 'C9999' || right(customer_id, 5)"
        " else customer_id end as customer_id) from {file}",
    )
    return [{"table": "accounts", "column": "customer_id", "rows": len(lost), "accounts": lost}]


def plant_stale(bank: Planting) -> list[dict]:
    """Let digital events end three months before the extract; a third of a bank shorter than nine months."""
    kept = bank.months - min(3, max(1, bank.months // 3))
    day = bank.first_day(kept) if kept else bank.first_day(0)
    later = f"occurred_at >= timestamp '{day}'"
    count = bank.rows(f"select count(*) from {{table}} where {later}", "digital_events")[0][0]
    bank.rewrite("digital_events", f"select * from {{file}} where not {later}")
    return [{"table": "digital_events", "from": str(day), "rows": count}]


def plant_dates(bank: Planting) -> list[dict]:
    """Write interactions as CSV, a part by another system: days first, and texts in another encoding.

    The telephone's system writes 31.12.2024 23:59:59 where the other one writes 2024-12-31 23:59:59. Branches add a
    currency sign to some topics; one in three does so in Windows' encoding (cp1252), the others in UTF-8.
    """
    plain, phone = "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S"
    paid = "channel = 'branch' and topic in ('fees', 'savings', 'loan', 'card')"
    topic = f"case when {paid} then topic || ' (€)' else topic end"
    times = ", ".join(
        f"case when channel = 'phone' then strftime({name}, '{phone}') else strftime({name}, '{plain}') end as {name}"
        for name in ("opened_at", "resolved_at")
    )
    target = bank.folder / "interactions.csv"
    phone_rows = bank.rows("select count(*) from {table} where channel = 'phone'", "interactions")[0][0]
    bank.engine.execute(
        f"COPY (select * replace ({times}, {topic} as topic) from {bank.reader('interactions')})"
        f" TO {literal(target)} (FORMAT csv, HEADER)"
    )
    lines = target.read_bytes().split(b"\n")
    signs = [number for number, line in enumerate(lines) if "€".encode() in line]
    foreign = {number for place, number in enumerate(signs) if place % 3 == 1}
    mixed = (line.decode().encode("cp1252") if number in foreign else line for number, line in enumerate(lines))
    target.write_bytes(b"\n".join(mixed))
    for path in bank.files("interactions"):
        path.unlink()
    return [
        {"table": "interactions", "columns": ["opened_at", "resolved_at"], "rows": phone_rows, "form": phone},
        {"table": "interactions", "column": "topic", "rows": len(foreign), "encoding": "cp1252"},
    ]
