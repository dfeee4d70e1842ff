"""What a call must achieve to pay, at every level of risk: risk is not persuadability."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats import Estimate, Evidence, amount_text, share_text
from crmlab.stats.targeting import break_even_effect

__all__ = ["break_even_by_risk", "one_in"]


def one_in(share: float) -> str:
    """Say a small share as one in so many, rounded to what matters.

    >>> one_in(0.0123), one_in(0.4), one_in(1.7), one_in(float("inf"))
    ('1 in 81', '2 in 5', 'more than all', 'more than all')
    """
    if not np.isfinite(share) or share > 1:
        return "more than all"
    if share <= 0:
        return "none"
    if share >= 0.2:
        return f"{max(1, round(share * 5))} in 5"
    return f"1 in {round(1 / share):,}"


def break_even_by_risk(scored: pd.DataFrame, *, cost_amount: float, currency: str = "", groups: int = 10) -> Evidence:
    """Compute, for groups of equal size by risk, how many of those called a call must keep to pay.

    Parameters
    ----------
    scored : DataFrame
        Indexed by ``customer_id``: ``p_churn`` (0 to 1), ``value_amount`` (lost when the customer leaves).
    cost_amount : float
        Of a call, 0 or more.
    currency : str
        Code.
    groups : int
        Groups of equal size, at most.

    Returns
    -------
    Evidence
        Frame, highest risk first: ``risk_group`` (``1`` is the highest), ``customers_count``, ``p_churn`` (mean),
        ``value_amount`` (mean), ``break_even_share`` with ``break_even_low`` and ``break_even_high`` (share of those
        called who must stay because of the call; interval from the spread of values; not known where the mean value is
        not above 0), ``of_leavers_share`` (the same, of those who would leave: above 1 no call can pay), ``said`` (1 in
        N of those called). Estimates: ``break_even_share`` and ``of_leavers_share`` of the group with the highest risk.

    Notes
    -----
    Break-even effect = cost / mean value of the group. Nothing here says that a call has such an effect.
    """
    refuse(
        *([] if cost_amount >= 0 else [f"break_even_by_risk: the cost of a call is {cost_amount}. Give 0 or more."]),
        *(
            f"break_even_by_risk: scored lacks column {name!r}; it has {list(scored.columns)}."
            for name in ("p_churn", "value_amount")
            if name not in scored
        ),
    )
    known = scored[["p_churn", "value_amount"]].dropna()
    if not len(known):
        return Evidence(pd.DataFrame(), "", "", "Nobody has both a risk and a value.")
    place = (-known["p_churn"]).rank(method="average")
    number = np.minimum(((place - 0.5) * groups / len(known)).astype(int), groups - 1)
    rows = []
    for group, (_, part) in enumerate(known.groupby(number, sort=True)):
        mean, n = float(part["value_amount"].mean()), len(part)
        error = float(part["value_amount"].std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
        step = norm.ppf(0.975) * error
        share, low, high = (float(break_even_effect([v], cost_amount)[0]) for v in (mean, mean + step, mean - step))
        risk = float(part["p_churn"].mean())
        rows.append(
            (str(int(group) + 1), n, risk, mean, share, low, high, share / risk if risk > 0 else np.inf, one_in(share))
        )
    frame = pd.DataFrame(
        rows,
        columns=["risk_group", "customers_count", "p_churn", "value_amount", "break_even_share", "break_even_low",
                 "break_even_high", "of_leavers_share", "said"],
    )  # fmt: skip
    pays = frame["of_leavers_share"] < 1
    frame = frame.replace([np.inf], np.nan)  # nothing pays there: no bar, and `said` says it
    top = frame.iloc[0]
    estimates = {
        "break_even_share": Estimate(float(top["break_even_share"]), "share", float(top["break_even_low"]),
                                     float(top["break_even_high"]), int(top["customers_count"]), "normal"),
        "of_leavers_share": Estimate(float(top["of_leavers_share"]), "share", n=int(top["customers_count"])),
    }  # fmt: skip
    unreachable = (
        ""
        if pays.all()
        else (f" In {int((~pays).sum())} of {len(frame)} groups not even keeping all who would leave would pay.")
    )
    return Evidence(
        frame,
        f"A call must keep {top['said']} of those called at the highest risk",
        f"Share of those called who must stay because of the call, at {amount_text(cost_amount, currency)} a call; "
        f"{len(known):,} customers by risk; 95 % from the spread of values",
        f"At the highest risk {share_text(top['p_churn'])} are expected to leave, and a call pays if it keeps "
        f"{top['said']} of those called, which is {_of_leavers(top['of_leavers_share'])} of those who would leave."
        f"{unreachable} Risk says who leaves, not who can be kept.",
        estimates,
    )


def _of_leavers(share: float) -> str:
    return share_text(share) if np.isfinite(share) and share <= 1 else "more than all"
