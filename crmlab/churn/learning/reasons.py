"""Why a score is what it is, in words: what each group of columns adds, and which way the customer differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmlab.churn.learning.learner import ChurnModel
from crmlab.errors import nearest, refuse
from crmlab.stats.estimate import share_text
from crmlab.stats.evidence import Evidence

__all__ = ["OTHER", "Reason", "group_contributions", "reason_shares", "top_reasons"]

OTHER = "other facts"
_SMALLEST = 0.05  # log-odds: what adds less is no reason (about 5 % of the odds)


@dataclass(frozen=True)
class Reason:
    """How a column is spoken of.

    Parameters
    ----------
    group : str
        What it belongs to, in words: ``use of the bank``.
    low, high : str
        What is said of a customer whose value is at most the median, or above it: ``uses the bank less than before``.
        For true or false: what is said when it is false, or true. Empty: the column's name with "low" or "high".
    missing : str
        What is said of a gap. Empty: "nothing is known of" and the name.
    words : mapping of str to str
        For columns of words: what is said of each; others are said as name and word.

    Examples
    --------
    >>> Reason("use of the bank", low="uses the bank less than before", high="uses the bank more than before").group
    'use of the bank'
    """

    group: str
    low: str = ""
    high: str = ""
    missing: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def group_contributions(model: ChurnModel, features: pd.DataFrame, reasons: Mapping[str, Reason]) -> pd.DataFrame:
    """Part each score into what each group of columns adds to the average customer's.

    Parameters
    ----------
    model : ChurnModel
        Learned.
    features : DataFrame
        Customers to explain; as at `ChurnModel.predict_proba`.
    reasons : mapping of str to Reason
        By column; columns without one make the group "other facts".

    Returns
    -------
    DataFrame
        One column a group, by name, and ``base``; log-odds before calibration. A row sums to `ChurnModel.score`.
    """
    parts = model.contributions(features)
    return _grouped(parts, reasons)


def top_reasons(
    model: ChurnModel, features: pd.DataFrame, reasons: Mapping[str, Reason], *, top: int = 3
) -> pd.DataFrame:
    """Say for each customer what raises the score most, in words.

    Parameters
    ----------
    model, features, reasons
        As in `group_contributions`.
    top : int, 1 or more
        Reasons a customer at most.

    Returns
    -------
    DataFrame
        ``p_churn`` (0 to 1), then ``reason_1`` and so on, the strongest first; empty where nothing more raises the
        score by 0.05 of log-odds. Same index, same order.

    Notes
    -----
    A group is one reason, said by its column that adds most, and by the side on which the customer's value lies: the
    words fit the value, whichever way the model bends. They tell what the customer looks like to the model, never why
    he leaves: a model that is right about who leaves may rest on signs that nobody can change.
    """
    if isinstance(top, bool) or not isinstance(top, int) or top < 1:
        refuse(f"top_reasons: top is {top!r}. Give a whole number, 1 or more.")
    parts = model.contributions(features)
    groups = _grouped(parts, reasons).drop(columns="base")
    added = groups.to_numpy()
    order = np.argsort(-added, axis=1, kind="stable")[:, :top]
    names = list(groups.columns)
    leader, said = {}, {}
    for name in names:
        members = [c for c in model.preparation_.columns_ if _group(c, reasons) == name]
        leader[name] = np.array(members, dtype=object)[np.argmax(parts[members].to_numpy(), axis=1)]
        for column in np.unique(leader[name].astype(str)):
            if column not in said:
                said[column] = _sentences(model, column, features[column], reasons.get(column, Reason(OTHER)))
    result = pd.DataFrame({"p_churn": model.predict_proba(features)}, index=features.index)
    for place in range(top):
        texts = np.full(len(features), "", dtype=object)
        if place < order.shape[1]:
            which, rows = order[:, place], np.arange(len(features))
            for k, name in enumerate(names):
                mine = rows[(which == k) & (added[rows, which] >= _SMALLEST)]
                for column in np.unique(leader[name][mine].astype(str)):
                    here = mine[leader[name][mine] == column]
                    texts[here] = said[column][here]
        result[f"reason_{place + 1}"] = pd.array(texts, dtype="str")
    return result


def reason_shares(model: ChurnModel, features: pd.DataFrame, reasons: Mapping[str, Reason]) -> Evidence:
    """Tell which groups of columns the scores are made of, over all customers.

    Parameters
    ----------
    model, features, reasons
        As in `group_contributions`.

    Returns
    -------
    Evidence
        Frame, the largest first: ``reason``, ``weight`` (mean absolute contribution, log-odds), ``weight_share`` (of
        all groups, 0 to 1), ``raised_share`` (of customers whose score it raises by 0.05 or more).

    Notes
    -----
    What the model uses, not what makes customers leave. Columns that say the same share their weight.
    """
    groups = group_contributions(model, features, reasons).drop(columns="base")
    weight = groups.abs().mean()
    total = float(weight.sum())
    frame = pd.DataFrame(
        {
            "reason": weight.index.astype("str"),
            "weight": weight.to_numpy(),
            "weight_share": weight.to_numpy() / total if total > 0 else 0.0,
            "raised_share": (groups >= _SMALLEST).mean().to_numpy(),
        }
    ).sort_values(["weight", "reason"], ascending=[False, True], ignore_index=True)
    first = frame.iloc[0]
    return Evidence(
        frame,
        title=f"The scores rest most on {first['reason']}"[:70],
        about=f"Mean absolute contribution to the log-odds by group of facts, {len(features):,} customers",
        reading=f"{share_text(first['weight_share'])} of what tells scores apart is {first['reason']}. "
        "This says what the model uses, not why customers leave.",
    )


def _group(column: str, reasons: Mapping[str, Reason]) -> str:
    return reasons[column].group if column in reasons else OTHER


def _grouped(parts: pd.DataFrame, reasons: Mapping[str, Reason]) -> pd.DataFrame:
    columns = [name for name in parts.columns if name != "base"]
    wrong = sorted(name for name, reason in reasons.items() if not isinstance(reason, Reason))
    clash = sorted(
        {reason.group for reason in reasons.values() if isinstance(reason, Reason) and reason.group == "base"}
    )
    refuse(
        *(f"reasons: {name!r} is a {type(reasons[name]).__name__}. Give a Reason." for name in wrong),
        *(["reasons: a group is named 'base', which is the average customer. Name it otherwise."] * bool(clash)),
        *(["reasons: no column of the model has a reason. Name some of "
           f"{columns}.{nearest(next(iter(reasons)), columns)}"]
          * bool(reasons and not wrong and not set(reasons) & set(columns))),
    )  # fmt: skip
    names = sorted({_group(name, reasons) for name in columns})
    summed = {name: parts[[c for c in columns if _group(c, reasons) == name]].sum(axis=1) for name in names}
    return pd.DataFrame({**summed, "base": parts["base"]}, index=parts.index)


def _sentences(model: ChurnModel, column: str, values: pd.Series, reason: Reason) -> np.ndarray:
    """What is said of each customer's value of one column."""
    prepared, plain = model.preparation_, column.replace("_", " ")
    gap = values.isna().to_numpy()
    if prepared.kinds_[column] == "words":
        told = values.astype("str").map(lambda word: reason.words.get(word, f"{plain}: {word}")).to_numpy(dtype=object)
    else:
        is_flag = prepared.kinds_[column] == "flag"
        low, high = ("not {}", "{}") if is_flag else ("low {}", "high {}")
        line = 0.5 if is_flag else float(prepared.typical_[column])
        number = values.astype(float).to_numpy(dtype=float, na_value=np.nan)
        told = np.where(number > line, reason.high or high.format(plain), reason.low or low.format(plain)).astype(
            object
        )
    return np.where(gap, reason.missing or f"nothing is known of {plain}", told)
