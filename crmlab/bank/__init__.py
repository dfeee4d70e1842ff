"""A bank's tables behind one contract: open anything, check it at the door, look at it as of a date."""

from __future__ import annotations

from importlib import import_module

__all__ = ["CONTRACT", "Bank", "stamp_bank", "write_bank", "write_table"]

_HOMES = {
    "Bank": "crmlab.bank.bank",
    "CONTRACT": "crmlab.bank.tables",
    "stamp_bank": "crmlab.bank.writing",
    "write_bank": "crmlab.bank.writing",
    "write_table": "crmlab.bank.writing",
}


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crmlab.bank' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
