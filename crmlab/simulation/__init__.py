"""A retail bank simulated from latent traits and a clock of months, so that cause comes before effect."""

from __future__ import annotations

__all__ = ["Written", "simulate"]


def __getattr__(name: str) -> object:
    if name in __all__:
        from crmlab.simulation import writing

        return getattr(writing, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
