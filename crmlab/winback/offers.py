"""What to say to whom: one offer a reason, stated as a guess that the hold-out tests."""

from __future__ import annotations

import pandas as pd

__all__ = ["OFFERS", "offer_for"]

# code of a reason (or of what kind of customer it was): what is said first, and why it might work. None of these is
# proven: each is a hypothesis for the trial of the list.
OFFERS = {
    "complaint_unsettled": ("apology and settlement, by a person who may decide", "the cause is put right first"),
    "fees": ("account without the fee complained of for a year", "the price was the reason"),
    "waiting": ("a named contact and a callback", "time was the reason"),
    "dissatisfied": ("call by a manager who asks and listens", "what failed is not known"),
    "moved": ("branch or remote service at the new address, papers done for them", "distance was the reason"),
    "employer": ("switching service for the new pay", "the pay went with the job"),
    "rate": ("rate offer on new deposits, limited in time", "the rate was the reason"),
    "new": ("welcome call, switching service", "they never settled in"),
    "unused": ("one simple account, no product push", "there was little use"),
    "not known": ("ask why they left, then offer", "an offer without a reason is a guess"),
}


def offer_for(reasons: pd.Series, signs: pd.DataFrame) -> pd.Series:
    """Choose what to say to each customer.

    Parameters
    ----------
    reasons : Series of str
        Code of the reason named, or ``not known``.
    signs : DataFrame of bool
        Signs by customer; where the reason is not known, what kind of customer it was decides (new here, hardly used).

    Returns
    -------
    Series of str
        First words of `OFFERS`.

    Examples
    --------
    >>> signs = pd.DataFrame({"new": [True, True]}, index=["a", "b"])
    >>> offer_for(pd.Series({"a": "moved", "b": "not known"}), signs)["b"]
    'welcome call, switching service'
    """
    code = reasons.copy()
    for kind in ("unused", "new"):
        if kind in signs:
            mine = signs[kind].reindex(reasons.index).fillna(False).astype(bool)
            code = code.mask((reasons == "not known") & mine, kind)
    return code.map({name: said for name, (said, _) in OFFERS.items()}).astype("str").rename("offer")
