"""What to do for each segment: product, channel, service, and what to measure; every text from computed facts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import stats as laws

from crmlab.bank.contract import SMALLEST_GROUP
from crmlab.segmentation.contrasts import in_segments, numbers
from crmlab.segmentation.facts import segment_facts, short
from crmlab.segmentation.next_product import Offer, offers
from crmlab.segmentation.profiles import short_name
from crmlab.segmentation.treatment_rules import RULES, Rule
from crmlab.stats import Evidence, share_text, smallest_difference, smallest_difference_of_means

__all__ = ["treatments"]

_TALKING = {"branch": "branch", "online": "online banking", "mobile": "mobile app", "phone": "phone"}
_CONSENTS = {"email": "e-mail", "sms": "SMS", "phone": "phone", "social": "social media"}
_SCREENS = ("online", "mobile")
_ELSE = ("held", "active", "products")  # measured where the fact of the rule is not known
_SHARES = ("active", "complaints", "digital", "left")
_SURELY = ("complaints", "left", "satisfaction", "active")


def treatments(
    seen: pd.DataFrame,
    segments: pd.Series,
    *,
    order: Sequence[str],
    currency: str = "",
    facts: Evidence | None = None,
    holdout: float = 0.5,
    seed: int = 1,
) -> Evidence:
    """Say for each segment what to offer, where to talk, how to serve, and what to measure.

    Parameters
    ----------
    seen : DataFrame
        Snapshot.
    segments : Series of str
        Segment of each customer.
    order : sequence of str
        Segments.
    currency : str
        Currency code of the amounts.
    facts : Evidence, optional
        What `segment_facts` found; computed from the snapshot where not given, then without satisfaction and leaving.
    holdout : float
        Share of the customers held out when the treatment is tried.
    seed : int
        Of the bootstrap of the facts and of the customers that offers are learned from.

    Returns
    -------
    Evidence
        Frame, one row a segment: ``segment``, ``customers_count`` (0 under 10), ``product``, ``also`` (second product,
        may be empty), ``channel``, ``service``, ``measure``, ``why`` (texts), and behind them ``rule`` (name),
        ``family``, ``held_share``, ``open_share`` (members who hold none, counted by how many like them do),
        ``talks_by``, ``consent`` (way most often allowed), ``reach_share``, ``measured`` (fact), ``level`` (today),
        ``n`` (customers of the trial) and ``smallest_difference``.

    Notes
    -----
    Product: see `crmlab.segmentation.next_product`. Channel: the one its members use most for their own acts among
    branch, online banking, app and phone (a card or a machine cannot be talked with); beside it the way of contact most
    of them allow. Service: the first of `crmlab.segmentation.treatment_rules.RULES` that holds. Measure: the fact the
    rule is to move (where no change of it can be shown: the product held, activity, products), its level today, and
    the smallest change that a trial shows with 80 % power where `holdout` of the reachable members are left alone.

    The rules are the bank's judgement written down, not estimates: a trial decides whether a treatment works.

    Examples
    --------
    >>> seen = pd.DataFrame({"logins_3m_count": [0.0] * 20 + [9.0] * 20, "branch_12m_share": [1.0] * 20 + [0.0] * 20})
    >>> seen["mobile_12m_share"] = 1 - seen["branch_12m_share"]
    >>> found = treatments(seen, pd.Series(["till"] * 20 + ["app"] * 20), order=["till", "app"])
    >>> found.frame[["segment", "channel", "service"]].values.tolist()[0]
    ['till', 'branch; consent not recorded', 'Named contact in the branch; help with the first login']
    >>> found.frame["measure"].tolist()
    ['Login, 3 months: 0.0 % of 20; trial shows +34.4 points', 'Nothing known that a trial could move']
    """
    order = list(order)
    if facts is None:
        facts = segment_facts(seen, segments, order=order, currency=currency, seed=seed)
    rows, code = in_segments(seen, segments, order=order)
    told = facts.frame.set_index(["segment", "fact"])
    offered = offers(rows, code, len(order), seed=seed)
    lines = []
    for i, segment in enumerate(order):
        members = rows[code == i]
        if len(members) < SMALLEST_GROUP:
            lines.append(_too_few(segment))
            continue
        lines.append(_line(segment, members, _Known(told, segment, len(order)), offered[i], holdout))
    frame = pd.DataFrame(lines)
    return Evidence(
        frame,
        title=_title(frame),
        about=f"One treatment a segment, by fixed rules from its facts; trial: {share_text(holdout)} of the reachable "
        "held out, power 80 %, two-sided 95 %",
        reading=_reading(frame),
    )


class _Known:
    """Facts of one segment: value, ratio to all customers, and texts; NaN where not known."""

    def __init__(self, told: pd.DataFrame, segment: str, k: int) -> None:
        self.rows = {fact: row for (name, fact), row in told.iterrows() if name == segment}
        self.k = k

    def numbers(self) -> dict[str, float]:
        """What the rules look at."""
        found = _NaN()
        for fact, row in self.rows.items():
            found[fact] = row["value"]
            found[f"{fact}_ratio"] = row["value"] / row["all_value"] if row["all_value"] > 0 else math.nan
            if fact in _SURELY:
                found[f"{fact}_surely"] = float(row["p_value"] * self.k < 0.05)
        return found

    def text(self, fact: str) -> str:
        """Name the fact with its value, and that of all."""
        row = self.rows[fact]
        what = f" {row['what'].replace('_', ' ')}" if row["what"] else ""
        beside = f", all {short(row['all_value'], row['unit'])}" if math.isfinite(row["all_value"]) else ""
        return f"{row['label'].lower()}{what} {short(row['value'], row['unit'])}{beside}"


class _NaN(dict):
    def __missing__(self, key: str) -> float:
        return math.nan


def _line(segment: str, members: pd.DataFrame, known: _Known, offer: Offer | None, holdout: float) -> dict:
    talks = _talks_by(members)
    consent, allowed = _consent(members)
    numbers_known = known.numbers()
    numbers_known |= {"branch_first": float(talks == "branch"), "screen_first": float(talks in _SCREENS)}
    rule = next(rule for rule in RULES if rule.when(numbers_known))
    reached = int(len(members) * (allowed if consent else 1.0))
    measured = _measured(rule, known, offer, reached, holdout)
    parts = [known.text(fact) for fact in rule.why if fact in known.rows]
    if offer is not None:
        parts.append(offer.why)
    where = _TALKING.get(talks, "no channel known")
    may = f"{where}; {consent} allowed by {share_text(allowed)}" if consent else f"{where}; consent not recorded"
    return {
        "segment": segment,
        "customers_count": len(members),
        "product": offer.text if offer is not None else "Nothing now: they hold what is usual",
        "also": offer.also_text if offer is not None else "",
        "also_family": offer.also if offer is not None else "",
        "channel": may,
        "service": rule.text,
        "why": "; ".join(parts),
        "rule": rule.name,
        "family": offer.family if offer is not None else "",
        "held_share": offer.held_share if offer is not None else math.nan,
        "open_share": offer.open_share if offer is not None else math.nan,
        "talks_by": talks,
        "consent": consent,
        "reach_share": allowed,
    } | measured


def _too_few(segment: str) -> dict:
    words = dict.fromkeys(
        ("product", "channel", "service", "measure"), "Too few customers for a treatment of their own"
    )
    gaps = dict.fromkeys(("held_share", "open_share", "reach_share", "level", "smallest_difference"), math.nan)
    empty = dict.fromkeys(("also", "also_family", "why", "rule", "family", "talks_by", "consent", "measured"), "")
    return {"segment": segment, "customers_count": 0} | words | empty | gaps | {"n": 0}


def _talks_by(members: pd.DataFrame) -> str:
    """Name the channel used most for own acts where one can talk; logins where no act tells."""
    shares = {name: members[f"{name}_12m_share"].mean() for name in _TALKING if f"{name}_12m_share" in members}
    used = {name: share for name, share in shares.items() if share > 0}
    if used:
        return max(used, key=lambda name: used[name])
    return "mobile" if "logins_3m_count" in members and (members["logins_3m_count"] > 0).mean() >= 0.5 else ""


def _consent(members: pd.DataFrame) -> tuple[str, float]:
    """Name the way of contact that most members allow, and their share."""
    allowed = {
        words: float(np.nanmean(numbers(members[f"is_{name}_allowed"])))
        for name, words in _CONSENTS.items()
        if f"is_{name}_allowed" in members and members[f"is_{name}_allowed"].notna().any()
    }
    if not allowed:
        return "", math.nan
    best = max(allowed, key=lambda words: allowed[words])
    return best, allowed[best]


def _measured(rule: Rule, known: _Known, offer: Offer | None, n: int, holdout: float) -> dict:
    """Say what a trial measures: level today, its size, and the smallest change it shows.

    The fact of the rule comes first; where it is not known, or no change of it can be shown, the next one that can.
    """
    tried = []
    for fact in dict.fromkeys((rule.measure, *_ELSE)):
        if fact == "held" and offer is not None:
            name = offer.family.replace("_", " ").capitalize()
            tried.append(_trial("held", f"{name} held", offer.held_share, "share", 0.0, n, holdout))
        elif fact != "held" and fact in known.rows:
            row = known.rows[fact]
            # standard deviation of a customer, back from the interval of the mean
            deviation = math.sqrt(row["n"]) * (row["high"] - row["low"]) / 2 / laws.t.ppf(0.975, row["n"] - 1)
            falls = rule.falls and fact == rule.measure
            tried.append(_trial(fact, row["label"], row["value"], row["unit"], deviation, n, holdout, falls=falls))
    nothing = {"measure": "Nothing known that a trial could move", "measured": "", "level": math.nan, "n": n,
               "smallest_difference": math.nan}  # fmt: skip
    shown = [one for one in tried if math.isfinite(one["smallest_difference"])]
    return (shown or tried or [nothing])[0]


def _trial(
    fact: str, label: str, level: float, unit: str, deviation: float, n: int, holdout: float, *, falls: bool = False
) -> dict:
    if unit == "share":
        step = smallest_difference(level, n, falls=falls, holdout=holdout)
        change = -100 * step if falls else 100 * step
        shown = f"{label}: {share_text(level)} of {n:,}; trial shows {change:+.1f} points"
        nothing = f"{label}: {share_text(level)} of {n:,}; no trial shows a change"
    else:
        # customers who are all alike have shown no spread, so nothing is known of a trial among them
        step = smallest_difference_of_means(deviation, n, holdout=holdout) if deviation > 0 else math.nan
        shown = f"{label}: {short(level, unit)}, n = {n:,}; trial shows {step:+.2g}"
        nothing = f"{label}: {short(level, unit)}, n = {n:,}; no trial shows a change"
    measure = shown if math.isfinite(step) else nothing
    return {"measure": measure, "measured": fact, "level": level, "n": n, "smallest_difference": step}


def _title(frame: pd.DataFrame) -> str:
    known = frame[frame["family"] != ""]
    if known.empty:
        return "No segment lacks a product that customers like its members hold"
    top = known.loc[(known["open_share"] * known["customers_count"]).idxmax()]
    name = top["family"].replace("_", " ")
    return short_name(f"Most to win: {name} with {top['segment']}, where {share_text(top['held_share'])} hold it", 70)


def _reading(frame: pd.DataFrame) -> str:
    parts = []
    for column, words in (("family", "Offered"), ("rule", "Served by the rule")):
        counted = frame.loc[frame[column] != "", column].str.replace("_", " ").value_counts(sort=False)
        counted = counted.sort_values(ascending=False, kind="stable")
        if len(counted):
            listed = ", ".join(f"{name} ({size} segment{'s' if size > 1 else ''})" for name, size in counted.items())
            parts.append(f"{words}: {listed}.")
    shares = frame[frame["measured"].isin(["held", *_SHARES]) & frame["smallest_difference"].notna()]
    if len(shares):
        low, high = (100 * shares["smallest_difference"].agg(end) for end in ("min", "max"))
        parts.append(
            f"Trials in these segments show changes from {low:.1f} points up."
            if round(low, 1) == round(high, 1)
            else f"A trial in a segment shows changes from {low:.1f} points up at best, from {high:.1f} at worst."
        )
    return " ".join(parts) or "No segment is large enough for a treatment of its own."
