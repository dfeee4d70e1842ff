"""The customers of a day as a question compares them: who is told apart by what, and who is grouped by rule."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from crmlab.segmentation.columns import Basis
from crmlab.segmentation.segments import Segments

__all__ = ["Compared", "outcomes_of"]


@dataclass(frozen=True)
class Compared:
    """The customers of a day, ready to be put into segments.

    Parameters
    ----------
    seen : DataFrame
        Snapshot of the customers who own an account.
    basis : Basis
        What they are compared by.
    frame : DataFrame
        The customers who can be told apart, with the columns of the basis.
    rest : Series of str
        The others, in groups by rule.
    said : str
        Who was left out, in sentences.
    outcomes : DataFrame or None
        What segments should tell apart though they were not made from it, for the customers of `frame`.
    """

    seen: pd.DataFrame
    basis: Basis
    frame: pd.DataFrame
    rest: pd.Series
    said: str
    outcomes: pd.DataFrame | None = None

    def groups(self, segments: Segments) -> pd.Series:
        """Put every customer into a segment as learned, or into one of the groups by rule."""
        both = pd.concat([segments.predict(self.frame), self.rest])
        return both.reindex(self.seen.index).rename("segment")


def outcomes_of(seen: pd.DataFrame, index: pd.Index, wanted: tuple[str, ...]) -> pd.DataFrame | None:
    """Take the columns of a snapshot that are there and known of somebody; None where there is none.

    >>> seen = pd.DataFrame({"margin": [1.0, 2.0], "age": [None, None]}, index=["a", "b"])
    >>> outcomes_of(seen, pd.Index(["b"]), ("margin", "age", "assets")).to_dict()
    {'margin': {'b': 2.0}}
    """
    here = [name for name in wanted if name in seen and seen[name].notna().any()]
    return seen.loc[index, here].astype(float) if here else None
