"""Two by two: what customers say and what they do (Dick and Basu), with the cut points and what they decide."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.loyalty.standing.means import weighted_share

__all__ = ["CELLS", "cell_of", "cell_shares", "shares_by_cut"]

# Cell -> (attitude is high, behaviour is high, what it is)
CELLS = {
    "true": (True, True, "means it and acts on it"),
    "latent": (True, False, "means it, something is in the way"),
    "spurious": (False, True, "stays from habit or because moving is a burden"),
    "none": (False, False, "neither"),
}


def cell_of(attitude: pd.Series, behaviour: pd.Series, *, attitude_cut: float, behaviour_cut: float) -> pd.Series:
    """Put each customer in one of four cells.

    Parameters
    ----------
    attitude, behaviour : Series of float
        Indices, 0 to 100, of the same customers.
    attitude_cut, behaviour_cut : float
        From which each counts as high.

    Returns
    -------
    Series of str
        ``true``, ``latent``, ``spurious`` or ``none``; empty where either index is not known.

    References
    ----------
    Dick and Basu (1994), Customer loyalty, Journal of the Academy of Marketing Science 22, 99-113.

    Examples
    --------
    >>> given = {"attitude_cut": 70, "behaviour_cut": 50}
    >>> cell_of(pd.Series([80.0, 80, 60, 60]), pd.Series([60.0, 40, 60, 40]), **given).tolist()
    ['true', 'latent', 'spurious', 'none']
    """
    refuse(*(f"loyalty cells: {name} is {cut}. Give an index above 0, up to 100."
             for name, cut in (("attitude_cut", attitude_cut), ("behaviour_cut", behaviour_cut))
             if not 0 < cut <= 100))  # fmt: skip
    says, does = attitude >= attitude_cut, behaviour >= behaviour_cut
    found = pd.Series(
        np.select([says & does, says, does], ["true", "latent", "spurious"], "none"), index=attitude.index
    )
    return found.astype("str").where(attitude.notna() & behaviour.notna())


def cell_shares(frame: pd.DataFrame, *, attitude_cut: float, behaviour_cut: float) -> pd.DataFrame:
    """Estimate the share of customers in each cell.

    Parameters
    ----------
    frame : DataFrame
        ``customer_id``, ``attitude``, ``behaviour``, ``weight``.
    attitude_cut, behaviour_cut : float
        As in `cell_of`.

    Returns
    -------
    DataFrame
        ``cell``, ``share``, ``low``, ``high`` (0 to 1), ``n`` (respondents in the cell), ``respondents_count``.
    """
    lacking = [name for name in ("customer_id", "attitude", "behaviour", "weight") if name not in frame]
    refuse(*(f"loyalty cells: the frame lacks column {name!r}.{nearest(name, frame.columns)}" for name in lacking))
    cell = cell_of(frame["attitude"], frame["behaviour"], attitude_cut=attitude_cut, behaviour_cut=behaviour_cut)
    known = cell.notna()
    rows = []
    for name in CELLS:
        one = weighted_share(cell[known] == name, frame.loc[known, "weight"], frame.loc[known, "customer_id"])
        rows.append({"cell": name, "share": one.value, "low": one.low, "high": one.high,
                     "n": int((cell == name).sum()), "respondents_count": int(known.sum())})  # fmt: skip
    return pd.DataFrame(rows).astype({"low": float, "high": float})


def shares_by_cut(
    frame: pd.DataFrame, *, attitude_cut: float, behaviour_cut: float, steps: tuple[float, ...] = (-10, -5, 0, 5, 10)
) -> pd.DataFrame:
    """Say how far the shares move with the cut points.

    Parameters
    ----------
    frame, attitude_cut, behaviour_cut
        As in `cell_shares`.
    steps : tuple of float
        Points by which one cut is moved while the other stays; cuts that leave 0 to 100 are left out.

    Returns
    -------
    DataFrame
        ``cut`` (which one is moved), ``attitude_cut``, ``behaviour_cut``, and the share of each cell, 0 to 1.
    """
    rows = []
    for which in ("attitude", "behaviour"):
        for step in steps:
            cuts = {"attitude_cut": attitude_cut, "behaviour_cut": behaviour_cut}
            cuts[f"{which}_cut"] += step
            if (step == 0 and which == "behaviour") or not all(0 < one <= 100 for one in cuts.values()):
                continue
            found = cell_shares(frame, **cuts).set_index("cell")["share"]
            rows.append({"cut": "as stated" if step == 0 else which, **cuts, **found.to_dict()})
    return pd.DataFrame(rows)
