"""The truth behind a simulated bank, written to a folder of its own that no report on the bank may open."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from crmlab.simulation.block import Block
from crmlab.simulation.clock import month_at
from crmlab.simulation.columns import dates, ids

__all__ = ["TRUTH_FOLDER", "truth_tables"]

TRUTH_FOLDER = "truth"


def truth_tables(block: Block) -> dict[str, pa.Table]:
    """Return what was noted of one block, one table a name; `customer` and `month` become an id and a date.

    Parameters
    ----------
    block : Block
        A simulated block.

    Returns
    -------
    dict of str to Table
        Column ``customer_id`` for a position of a customer; ``month_on``, last day, for a number of a month; the
        others as noted.
    """
    return {name: _table(block.number, columns) for name, columns in block.truth.items() if columns}


def _table(number: int, columns: dict[str, np.ndarray]) -> pa.Table:
    done = {}
    for name, values in columns.items():
        if name == "customer":
            done["customer_id"] = ids("C", number, values, 5)
        elif name == "month":
            last = [month_at(month).last for month in range(values.max(initial=0) + 1)]
            done["month_on"] = dates(np.array(last)[values])
        else:
            done[name] = pa.array(values)
    return pa.table(done)
