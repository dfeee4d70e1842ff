"""crmlab: a research kit for a bank's customer relationship management.

Importing it loads nothing heavy; the parts load when they are named.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"
__all__ = ["Bank", "CrmlabError", "__version__"]

_HOMES = {"Bank": "crmlab.bank", "CrmlabError": "crmlab.errors"}


def __getattr__(name: str):
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'crmlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
