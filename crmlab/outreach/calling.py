"""Lists of customers to act on: why, by which channel they may be reached, until when, and who is held out."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmlab.errors import refuse

__all__ = ["call_list", "contact_channel"]

# what a customer must allow, the most personal first; the others belong to the bank and need no consent
_ASKS = ("phone", "email", "sms", "social")
_OWN = ("branch", "online", "mobile")


def contact_channel(seen: pd.DataFrame) -> pd.Series:
    """Choose the channel by which each customer is to be spoken to.

    Parameters
    ----------
    seen : DataFrame
        Snapshot. Used where known: ``preferred_channel``, ``is_<channel>_allowed`` of phone, e-mail, SMS and social
        media, and the shares of use ``<channel>_12m_share``.

    Returns
    -------
    Series of str
        ``branch``, ``online``, ``mobile``, ``phone``, ``email``, ``sms`` or ``social``, with the index of `seen`.

    Notes
    -----
    The channel asked for; else the one used most of branch, online, mobile and phone (a card or a cash machine talks to
    nobody); else the first that is allowed of phone, e-mail, SMS and social media; else the branch, at the next visit.
    Phone, e-mail, SMS and social media only with consent; consent not known counts as none.

    Examples
    --------
    >>> seen = pd.DataFrame({"preferred_channel": ["email", "email", None], "is_email_allowed": [True, False, False]})
    >>> contact_channel(seen.assign(is_phone_allowed=[True, True, False])).tolist()
    ['email', 'phone', 'branch']
    """
    allowed = {name: _flag(seen, f"is_{name}_allowed") for name in _ASKS} | {
        name: pd.Series(True, index=seen.index) for name in _OWN
    }
    chosen = pd.Series(None, index=seen.index, dtype="str")
    if "preferred_channel" in seen:
        asked = seen["preferred_channel"].astype("str").where(seen["preferred_channel"].notna())
        for name, may in allowed.items():
            chosen = chosen.mask((asked == name) & may, name)
    used = {name: seen[f"{name}_12m_share"] for name in (*_OWN, "phone") if f"{name}_12m_share" in seen}
    if used:
        shares = pd.DataFrame({name: share.where(allowed[name]) for name, share in used.items()}).fillna(0.0)
        chosen = chosen.mask(chosen.isna() & (shares.max(axis=1) > 0), shares.idxmax(axis=1))
    for name in _ASKS:
        chosen = chosen.mask(chosen.isna() & allowed[name], name)
    return chosen.fillna("branch").rename("channel")


def _flag(seen: pd.DataFrame, column: str) -> pd.Series:
    if column not in seen:
        return pd.Series(False, index=seen.index)
    return seen[column].astype("boolean").fillna(False).astype(bool)


def call_list(
    reasons: pd.Series,
    seen: pd.DataFrame,
    *,
    day: str,
    days: int = 90,
    holdout_share: float = 0.5,
    seed: int = 1,
) -> pd.DataFrame:
    """Make an action list from the reasons for choosing customers.

    Parameters
    ----------
    reasons : Series of str
        Why each customer is on the list, indexed by ``customer_id``, most urgent first.
    seen : DataFrame
        Snapshot that holds those customers.
    day : str
        Day of the snapshot, ``YYYY-MM-DD``.
    days : int
        Days after which the reason is stale and the list is to be made anew.
    holdout_share : float
        Share drawn at random to be left alone, so that what the list earns can be measured; 0 to below 1.
    seed : int
        Of the draw, which does not depend on the order of rows.

    Returns
    -------
    DataFrame
        For `crmlab.findings.Findings.actions`: indexed by ``customer_id``; ``reason``, ``channel``, ``expires_on``,
        ``is_holdout``.

    Examples
    --------
    >>> seen = pd.DataFrame({"is_phone_allowed": [True, False]}, index=pd.Index(["a", "b"], name="customer_id"))
    >>> call_list(pd.Series({"b": "room"}), seen, day="2024-06-30", holdout_share=0).reset_index().values.tolist()
    [['b', 'room', 'branch', '2024-09-28', False]]
    """
    lacking = int((~reasons.index.isin(seen.index)).sum())
    refuse(
        *([f"call_list: {lacking:,} customers are not in the snapshot. Take reasons from it."] if lacking else []),
        *([] if 0 <= holdout_share < 1 else [f"call_list: holdout_share is {holdout_share}. Give 0 or more, below 1."]),
    )
    names = np.sort(reasons.index.to_numpy(dtype=object))
    out = np.random.default_rng(seed).permutation(names)[: round(holdout_share * len(names))]
    expires = pd.Timestamp(day) + pd.Timedelta(days=days)
    return pd.DataFrame(
        {
            "reason": reasons.astype("str"),
            "channel": contact_channel(seen.loc[reasons.index]),
            "expires_on": str(expires.date()),
            "is_holdout": reasons.index.isin(out),
        }
    ).rename_axis("customer_id")
