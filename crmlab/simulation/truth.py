"""The truth behind a simulated bank, written to a folder of its own that no report on the bank may open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from crmlab.simulation import (
    contacts,
    customers,
    effects,
    expected_value,
    leaving,
    life,
    loyalty_points,
    measures,
    opinions,
    opportunities,
    persuasion,
    segments,
    stages,
    stress,
    surveys,
)
from crmlab.simulation.block import Block
from crmlab.simulation.market import Market, market_components
from crmlab.simulation.stages import stage_matrix
from crmlab.simulation.truth_contract import TRUTH, describe_truth, truth_table

__all__ = ["TRUTH_FOLDER", "truth_parameters", "truth_tables", "write_truth"]

TRUTH_FOLDER = "truth"
# Every module of the simulation that knows numbers an analysis may want to recover has a function `parameters`.
_SOURCES = (
    customers,
    segments,
    opinions,
    measures,
    surveys,
    leaving,
    life,
    stress,
    contacts,
    effects,
    persuasion,
    opportunities,
    loyalty_points,
    stages,
    expected_value,
)

_README = """\
# The truth behind a simulated bank

What this bank's customers are, feel and will do, as the simulation knows it. Nothing here is a table of the bank:
opening the bank never reads this folder, and only the tests and the validation page of crmlab do
(`crmlab.validation.truth.Truth`). Take it away and the bank works the same.

`parameters.yml` holds the coefficients of the simulation by module.

"""


def truth_tables(block: Block) -> dict[str, pa.Table]:
    """Return what is known of one block, one table a name, as `truth_contract` declares them.

    Parameters
    ----------
    block : Block
        A simulated block.

    Returns
    -------
    dict of str to Table
        Every declared table that is written block by block, without rows where nothing was noted.
    """
    noted = {name: columns for name, columns in block.truth.items() if columns}
    noted["customers"] = _customers(block, noted.get("customers", {}))
    names = [name for name in [*TRUTH, *noted] if name not in TRUTH or not TRUTH[name].is_common]
    return {name: truth_table(name, noted.get(name, {}), block.number) for name in dict.fromkeys(names)}


def _customers(block: Block, noted: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Everybody with the traits that are declared: those noted, and those that `People` knows under the same name."""
    people, relation = block.people, block.relation
    known = {
        "customer": np.arange(len(people)),
        "joined": people.joined,
        "left": relation.left,
        "left_reason": relation.left_reason,
        "previous_customer": people.previous,
        "partner_customer": people.partner,
        **noted,
    }
    traits = [column.noted for column in TRUTH["customers"].columns if column.noted not in known]
    return known | {name: getattr(people, name) for name in traits if hasattr(people, name)}


def truth_parameters() -> dict[str, dict]:
    """Return the parameters of the simulation by module, as plain numbers and words.

    Examples
    --------
    >>> truth_parameters()["opinions"]["paths"]["loyalty"]
    {'image': 0.25, 'satisfaction': 0.5}
    """
    return {
        module.__name__.rpartition(".")[2]: module.parameters() for module in _SOURCES if hasattr(module, "parameters")
    }


def write_truth(
    folder: Path, world: Market, moves: Mapping[str, np.ndarray], improvements: Mapping[str, np.ndarray]
) -> None:
    """Write what is common to all blocks: market, stages, measures, parameters, the description of the tables.

    Parameters
    ----------
    folder : Path
        Folder of the truth.
    world : Market
        The market of the bank.
    moves : mapping of str to array
        Rows of ``stage_moves``, summed over the blocks in their order.
    improvements : mapping of str to array
        Rows of ``measures``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    common = {"stage_moves": moves, "measures": improvements, "market": market_components(world)}
    for name, noted in common.items():
        pq.write_table(truth_table(name, noted), folder / f"{name}.parquet", compression="zstd", compression_level=1)
    known = truth_parameters()
    known["stages"] = {**known["stages"], "monthly_moves": stage_matrix(moves)}
    text = yaml.safe_dump(known, sort_keys=False, allow_unicode=True)
    (folder / "parameters.yml").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text(_README + describe_truth(), encoding="utf-8")
