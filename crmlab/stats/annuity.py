"""What a yearly margin is worth today while it may end: survival, discount, horizon."""

from __future__ import annotations

import numpy as np

from crmlab.errors import refuse

__all__ = ["present_value"]


def present_value(
    margin: object, *, retention: object, discount: float, periods: int | None = None, pays_first: bool = True
) -> np.ndarray:
    """Value today of a margin a period that goes on with a chance each period.

    Parameters
    ----------
    margin : array-like of float
        Margin of one period, in money; may be negative.
    retention : array-like of float
        Chance to be there in the next period too, 0 to 1; one for all or one a margin.
    discount : float
        Rate a period, 0 or more (0.1: ten percent).
    periods : int, optional
        Periods counted, 1 or more; None for ever.
    pays_first : bool
        The first margin comes now, at the start of the first period, and is sure; else at its end, if the customer is
        still there then.

    Returns
    -------
    array of float
        Same shape as `margin`. Infinite where a margin goes on for ever undiscounted.

    Notes
    -----
    With q = retention / (1 + discount): m (1 + q + q² + ...) from the start, m (q + q² + ...) from the end of a period.
    The two differ by one margin: say which is meant.

    References
    ----------
    Fader and Hardie (2012), Reconciling and clarifying CLV formulas, note 024, brucehardie.com.

    Examples
    --------
    >>> terms = {"retention": 0.85, "discount": 0.10}
    >>> [round(float(present_value(100.0, **terms, pays_first=first)), 6) for first in (True, False)]
    [440.0, 340.0]
    >>> float(present_value(100.0, retention=1.0, discount=0.0, periods=3))
    300.0
    """
    margins, kept = np.asarray(margin, dtype=float), np.asarray(retention, dtype=float)
    whole = periods is None or (
        not isinstance(periods, bool) and isinstance(periods, (int, np.integer)) and periods >= 1
    )
    refuse(
        *([] if ((kept >= 0) & (kept <= 1)).all() else ["present_value: retention must lie from 0 to 1. Give shares."]),
        *([] if discount >= 0 else [f"present_value: the discount rate is {discount}. Give 0 or more, such as 0.1."]),
        *([] if whole else [f"present_value: periods is {periods!r}. Give a whole number, 1 or more, or None."]),
    )
    q = kept / (1 + discount)
    with np.errstate(divide="ignore", invalid="ignore"):
        if periods is None:
            total = np.where(q < 1, 1 / (1 - q), np.inf)
        else:
            total = np.where(q < 1, (1 - q**periods) / (1 - q), float(periods))
        factor = total if pays_first else q * total
        return np.where(margins == 0, 0.0, margins * factor)
