"""Arrays to Arrow columns of the contract: codes to words, day numbers to dates, cents to decimals, ids to text."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crmlab.bank.tables import CHANNELS, CONTRACT
from crmlab.simulation.clock import DAY
from crmlab.simulation.customers import NEVER

__all__ = ["arrow_table", "channels", "dates", "decimals", "ids", "texts", "times", "words"]


def ids(letter: str, block: int, serial: np.ndarray, width: int) -> pa.Array:
    """Build ids of a letter, four digits for the block and a serial number of fixed width, without a Python loop.

    >>> ids("C", 3, np.array([0, 12]), 5).to_pylist()
    ['C000300001', 'C000300013']
    """
    head = f"{letter}{block:04d}".encode()
    size, length = len(serial), len(head) + width
    text = np.empty((size, length), dtype=np.uint8)
    text[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    rest = np.asarray(serial, dtype=np.int64) + 1
    for position in range(length - 1, len(head) - 1, -1):
        rest, digit = np.divmod(rest, 10)
        text[:, position] = digit + 48
    offsets = np.arange(0, (size + 1) * length, length, dtype=np.int32)
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(text))


def words(codes: np.ndarray, names: tuple[str, ...]) -> pa.Array:
    """Turn codes into a dictionary column; a negative code is an empty cell."""
    codes = np.asarray(codes)
    index = pa.array(codes.astype(np.int8), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(names, pa.string()))


def dates(days: np.ndarray, last: int | None = None) -> pa.Array:
    """Turn day numbers into dates; those after `last` are empty cells."""
    days = np.asarray(days)
    return pa.array(days.astype(np.int32), mask=days > last if last is not None else days >= NEVER).cast(pa.date32())


def times(seconds: np.ndarray, last: int | None = None) -> pa.Array:
    """Turn seconds since 1970 into local times; those after the day `last` are empty cells."""
    hidden = None if last is None else seconds >= (last + 1) * DAY
    stamp = np.where(hidden, 0, seconds) if hidden is not None else seconds
    return pa.array(stamp * 1_000_000, mask=hidden).cast(pa.timestamp("us"))


def decimals(cents: np.ndarray, hidden: np.ndarray | None = None) -> pa.Array:
    """Turn cents into DECIMAL(18,2), by the bytes.

    >>> decimals(np.array([-5, 123456])).to_pylist()
    [Decimal('-0.05'), Decimal('1234.56')]
    """
    cents = np.asarray(cents, dtype=np.int64)
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0], wide[:, 1] = cents, cents >> 63
    valid = None if hidden is None else pa.py_buffer(np.packbits(~hidden, bitorder="little"))
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [valid, pa.py_buffer(wide)])


def arrow_table(name: str, columns: dict[str, object]) -> pa.Table:
    """Order the columns as the contract does."""
    return pa.table({column: columns[column] for column in CONTRACT[name].by_name if column in columns})


def channels(codes: np.ndarray) -> pa.Array:
    """Turn codes of channels into words; a negative code is an empty cell.

    >>> channels(np.array([0, -1])).to_pylist()
    ['branch', None]
    """
    return words(codes, CHANNELS)


def texts(values: np.ndarray) -> pa.Array:
    """Turn Python texts into a text column; None is an empty cell."""
    return pa.array(values, pa.string())
