"""What replacing the weights of an index does to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from crmlab.satisfaction.indices.index import SatisfactionIndex

__all__ = ["Rebasing"]


@dataclass(frozen=True)
class Rebasing:
    """What replacing the weights does to the index.

    Parameters
    ----------
    index : SatisfactionIndex
        With the new weights.
    frame : DataFrame
        One row a latent variable: ``latent``, ``title``, ``before`` and ``after`` (index of the same responses with old
        and new weights, 0 to 100), ``jump`` (index points), ``jump_low``, ``jump_high`` (95 %), ``n``.
    """

    index: SatisfactionIndex
    frame: pd.DataFrame

    @property
    def reading(self) -> str:
        """Say the largest jump."""
        row = self.frame.loc[self.frame["jump"].abs().idxmax()]
        return (
            f"New weights alone move {row['title']} by {row['jump']:+.2f} points, from {row['before']:.1f} to "
            f"{row['after']:.1f}, the most of all. Add the jump to earlier "
            "values before comparing them with later ones."
        )
