"""Known defects planted into the written tables of a clean bank, to prove that the checks find them.

Each defect is one function over the files of a bank; what it did is kept in ``truth/planted.yml`` and nowhere else.
"""

from __future__ import annotations

from crmlab.simulation.defects.catalogue import DEFECTS, chosen

__all__ = ["DEFECTS", "chosen", "plant"]


def __getattr__(name: str) -> object:
    if name == "plant":
        from crmlab.simulation.defects import planting

        return planting.plant
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
