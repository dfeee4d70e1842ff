"""What a topic hands to a notebook: a finished frame, what it says, and the numbers behind the sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from crmlab.stats.estimate import Estimate

__all__ = ["Evidence", "estimates_of"]


@dataclass(frozen=True)
class Evidence:
    """One piece of evidence.

    Parameters
    ----------
    frame : DataFrame
        Finished for a chart or a table.
    title : str
        The finding in up to 70 characters, for the title of a figure.
    about : str
        Measure, unit, population, interval kind and n, for its second line.
    reading : str
        One or two sentences with their numbers computed.
    estimates : dict of str to Estimate
        The numbers by name.
    """

    frame: pd.DataFrame
    title: str
    about: str
    reading: str
    estimates: dict[str, Estimate] = field(default_factory=dict)

    @property
    def words(self) -> dict[str, str]:
        """Title and subtitle for a chart."""
        return {"title": self.title, "subtitle": self.about}

    def __getitem__(self, name: str) -> Estimate:
        return self.estimates[name]


def estimates_of(*evidence: Evidence | None) -> dict[str, Estimate]:
    """Collect the numbers of several pieces of evidence, those not known left out.

    Examples
    --------
    >>> one = Evidence(pd.DataFrame(), "", "", "", {"a": Estimate(1.0, "count"), "b": Estimate(float("nan"), "count")})
    >>> estimates_of(one, None)
    {'a': Estimate(value=1.0, unit='count', low=None, high=None, n=None, method='', level=0.95)}
    """
    found = [one.estimates for one in evidence if one is not None]
    return {name: value for estimates in found for name, value in estimates.items() if math.isfinite(value.value)}
