"""The order of the bookings of one day, which the source does not say: the balances after each booking tell it."""

from __future__ import annotations

import duckdb

__all__ = ["ROUNDING", "check_balances", "order_bookings"]

# The source rounds amounts and balances to 10 hellers, each on its own, so they may differ by as much.
ROUNDING = 10
_MOST_STEPS = 5_000


def order_bookings(connection: duckdb.DuckDBPyConnection) -> int:
    """Make table ``ordered``: ``raw.trans`` with signed ``amount`` and ``seq``, the place among the account's bookings.

    Most days follow a simple rule (credits first, then by number). Where the balances contradict it, the order is
    searched that makes each balance the one before plus the amount; the balances themselves are never changed.

    Returns
    -------
    int
        Days of an account whose order had to be searched.
    """
    connection.execute(
        "CREATE TEMP TABLE placed AS SELECT rowid AS row_, account_id, date,"
        " CASE type WHEN 'PRIJEM' THEN amount ELSE -amount END AS amount, balance,"
        " row_number() OVER (PARTITION BY account_id, date ORDER BY type <> 'PRIJEM', trans_id, rowid) AS place"
        " FROM raw.trans"
    )
    open_days = connection.execute(
        f"""
        WITH steps AS (
            SELECT *, lag(balance, 1, 0) OVER account AS before, lag(date) OVER account AS date_before
            FROM placed WINDOW account AS (PARTITION BY account_id ORDER BY date, place)
        )
        SELECT account_id, date, arg_min(before, place), arg_min(date_before, place),
            list(row_ ORDER BY place), list(amount ORDER BY place), list(balance ORDER BY place)
        FROM steps GROUP BY account_id, date
        HAVING count(*) > 1 AND bool_or(abs(balance - before - amount) > {ROUNDING})
        ORDER BY account_id, date
        """
    ).fetchall()
    moved: list[tuple[int, int]] = []
    last = (None, None, 0)
    for account, day, before, day_before, rows, amounts, balances in open_days:
        start = last[2] if (account, day_before) == last[:2] else before
        order = _chain(start, amounts, balances)
        moved += [(rows[index], place) for place, index in enumerate(order, 1)]
        last = (account, day, balances[order[-1]])
    _write_places(connection, moved)
    connection.execute(
        "CREATE TABLE ordered AS SELECT t.* REPLACE (p.amount AS amount), row_number() OVER"
        " (PARTITION BY t.account_id ORDER BY t.date, coalesce(m.place, p.place)) AS seq"
        " FROM raw.trans t JOIN placed p ON t.rowid = p.row_ LEFT JOIN moved m ON p.row_ = m.row_"
    )
    for table in ("placed", "moved", "raw.trans"):
        connection.execute(f"DROP TABLE {table}")
    return len(open_days)


def _chain(start: int, amounts: list[int], balances: list[int]) -> list[int]:
    """Return the order of one day's bookings that breaks the running sum least; the given order wins ties.

    >>> _chain(100, [50, -30], [120, 70])  # 100 - 30 = 70, then 70 + 50 = 120
    [1, 0]
    """
    count = len(amounts)
    best: list[int] = list(range(count))
    best_cost = _cost(start, best, amounts, balances)
    steps = 0
    stack: list[tuple[int, int, list[int]]] = [(0, start, [])]
    while stack and steps < _MOST_STEPS:
        steps += 1
        cost, balance, path = stack.pop()
        if cost >= best_cost:
            continue
        if len(path) == count:
            best, best_cost = path, cost
            continue
        free = [index for index in range(count) if index not in path]
        following = [(cost + abs(balances[i] - balance - amounts[i]), -i) for i in free]
        # the cheapest step is taken first: it is pushed last
        stack += [(paid, balances[-i], [*path, -i]) for paid, i in sorted(following, reverse=True)]
    return best


def _cost(start: int, order: list[int], amounts: list[int], balances: list[int]) -> int:
    before = [start, *(balances[index] for index in order[:-1])]
    return sum(abs(balances[index] - had - amounts[index]) for index, had in zip(order, before, strict=True))


def _write_places(connection: duckdb.DuckDBPyConnection, moved: list[tuple[int, int]]) -> None:
    import pyarrow as pa

    rows, places = zip(*moved, strict=True) if moved else ((), ())
    table = pa.table({"row_": pa.array(rows, pa.int64()), "place": pa.array(places, pa.int64())})
    connection.register("moved_", table)
    connection.execute("CREATE TEMP TABLE moved AS SELECT * FROM moved_")
    connection.unregister("moved_")


def check_balances(connection: duckdb.DuckDBPyConnection) -> dict[str, object]:
    """Compare the balance after each booking with the balance before plus the amount; nothing is mended.

    Returns
    -------
    dict
        ``bookings``; ``agree``; ``rounding`` (off by up to 10 hellers); ``disagree`` (off by more) with ``accounts``,
        ``largest_amount`` and ``by_day``; ``openings`` and ``openings_off`` (first balance of an account is not its
        first amount); ``drift_largest_amount`` (balance against the sum of all amounts since the first booking).
        Amounts are crowns.
    """
    connection.execute(
        "CREATE TEMP TABLE gaps AS SELECT account_id, date, seq, k_symbol,"
        " balance - lag(balance, 1, 0) OVER account - amount AS gap, balance - sum(amount) OVER account AS drift"
        " FROM ordered WINDOW account AS (PARTITION BY account_id ORDER BY seq)"
    )
    row = connection.execute(
        f"""
        SELECT count(*), count(*) FILTER (gap = 0), count(*) FILTER (gap <> 0 AND abs(gap) <= {ROUNDING}),
            count(*) FILTER (abs(gap) > {ROUNDING}), count(DISTINCT account_id) FILTER (abs(gap) > {ROUNDING}),
            coalesce(max(abs(gap)), 0) / 100, count(*) FILTER (seq = 1), count(*) FILTER (seq = 1 AND gap <> 0),
            coalesce(max(abs(drift)), 0)::BIGINT / 100
        FROM gaps
        """
    ).fetchall()[0]
    names = ("bookings", "agree", "rounding", "disagree", "accounts", "largest_amount", "openings", "openings_off",
             "drift_largest_amount")  # fmt: skip
    days = connection.execute(
        f"SELECT date, count(*) FROM gaps WHERE abs(gap) > {ROUNDING} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10"
    ).fetchall()
    connection.execute("DROP TABLE gaps")
    return {**dict(zip(names, row, strict=True)), "by_day": {str(day): n for day, n in days}}
