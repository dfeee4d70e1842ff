"""What an analyst stumbles over in the Berka data: computed from the files, so that a partial set tells its own."""

from __future__ import annotations

import duckdb

__all__ = ["look"]

_BURST = 1.8  # a month this many times as busy as the median month is told
_FEW = 100  # accounts below which a month is not judged
_ACTS = "operation IN ('VKLAD', 'VYBER', 'VYBER KARTOU') AND coalesce(k_symbol, '') NOT IN ('SLUZBY', 'SANKC. UROK')"


def look(connection: duckdb.DuckDBPyConnection, has: set[str], checks: dict[str, object]) -> list[str]:
    """Return what looks odd as sentences; the numbers behind them are added to ``checks``."""
    odd: dict[str, object] = {}
    said = _young(connection, odd)
    if "trans" in has:
        said += _bursts(connection, odd) + _weekends(connection, odd)
        if "loan" in has:
            said += _disbursements(connection, odd)
    checks["oddities"] = odd
    return said


def _young(connection: duckdb.DuckDBPyConnection, odd: dict[str, object]) -> list[str]:
    birth = "strptime('19' || c.birth_number[1:2] || lpad((c.birth_number[3:4]::INT % 50)::VARCHAR, 2, '0')"
    birth += " || c.birth_number[5:6], '%Y%m%d')"
    young, owners = connection.execute(
        f"SELECT count(*), count(*) FILTER (c.client_id IN (SELECT owner FROM holders))"
        f" FROM raw.client c JOIN firsts f USING (client_id) WHERE f.joined_on < {birth} + INTERVAL 15 YEAR"
    ).fetchall()[0]
    odd["under_15"], odd["owners_under_15"] = young, owners
    if not young:
        return []
    return [f"Customers younger than 15 when their first account was opened: {young:,}, of them owners: {owners:,}."]


def _bursts(connection: duckdb.DuckDBPyConnection, odd: dict[str, object]) -> list[str]:
    """Find months in which customers acted far more often than usual."""
    rows = connection.execute(
        f"WITH months AS (SELECT strftime(date, '%Y-%m') AS month,"
        f" count(*) FILTER ({_ACTS}) / count(DISTINCT account_id) AS rate"
        f" FROM ordered GROUP BY 1 HAVING count(DISTINCT account_id) >= {_FEW})"
        f" SELECT month, rate, (SELECT median(rate) FROM months) FROM months"
        f" WHERE rate > {_BURST} * (SELECT median(rate) FROM months) ORDER BY month"
    ).fetchall()
    odd["busy_months"] = {month: round(rate, 2) for month, rate, _ in rows}
    if not rows:
        return []
    listed = ", ".join(f"{month} ({rate:.1f})" for month, rate, _ in rows)
    return [
        f"Cash bookings an account and month: {rows[0][2]:.1f} in the median month, far more in {listed}."
        " Windows that hold such a month look busier than others."
    ]


def _weekends(connection: duckdb.DuckDBPyConnection, odd: dict[str, object]) -> list[str]:
    acted, weekend = connection.execute(
        f"SELECT count(*), count(*) FILTER (isodow(date) > 5) FROM ordered WHERE {_ACTS}"
    ).fetchall()[0]
    odd["weekend_share"] = round(weekend / acted, 4) if acted else None
    # five working days in seven leave 0.29 to the weekend when the day of the week does not matter
    if acted < 1000 or weekend / acted < 0.2:
        return []
    return [
        f"{weekend / acted:.0%} of cash bookings fall on a Saturday or Sunday, as many as on other days: the day of the"
        " week says nothing here."
    ]


def _disbursements(connection: duckdb.DuckDBPyConnection, odd: dict[str, object]) -> list[str]:
    loans, paid_in = connection.execute(
        "SELECT count(*), count(*) FILTER (EXISTS (SELECT 1 FROM ordered t WHERE t.account_id = l.account_id"
        " AND t.amount = l.amount AND t.date BETWEEN l.date AND l.date + INTERVAL 14 DAY))"
        " FROM raw.loan l WHERE l.date <= (SELECT max(date) FROM ordered)"
    ).fetchall()[0]
    odd["loans_during_bookings"], odd["loans_paid_in"] = loans, paid_in
    if not loans or paid_in >= loans / 2:
        return []
    return [
        f"The amount lent is credited to the account within 14 days for {paid_in:,} of {loans:,} loans:"
        " loans are paid out elsewhere, only their instalments are seen."
    ]
