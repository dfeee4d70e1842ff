"""A small classification tree on original units whose bounds are rounded to numbers a person remembers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.segmentation.columns import Column
from crmlab.segmentation.rule_words import KNOWN, Bounds, Feature, joined

if TYPE_CHECKING:
    from sklearn.tree import DecisionTreeClassifier

__all__ = ["Coding", "grow_paths", "lacking"]

_SMALLEST_LEAF, _SMALLEST_LEAF_SHARE = 10, 0.01
_MOVED = 0.02  # share of a branch's customers that rounding may move to the other side; else one more digit is kept
_FARTHEST = 1e30  # scikit-learn's trees count in single precision


@dataclass(frozen=True)
class Coding:
    """From original columns to numbers that a tree can split.

    Parameters
    ----------
    features : tuple of Feature
        What may be asked: each number, each word of a category, and whether a column with gaps is known.
    words : dict of str to tuple of str
        Words of each category.
    """

    features: tuple[Feature, ...]
    words: dict[str, tuple[str, ...]]

    @classmethod
    def learn(cls, frame: pd.DataFrame, columns: Sequence[Column]) -> Coding:
        """Learn words and medians; a column that is empty for everybody cannot be asked about."""
        features, words = [], {}
        for column in columns:
            values = frame[column.name]
            if values.isna().all():
                continue
            gaps = bool(values.isna().any())
            if column.kind == "category":
                words[column.name] = tuple(sorted(set(values.dropna().astype(str))))
                features += [Feature(column, "word", word, has_gaps=gaps) for word in words[column.name]]
            else:
                numbers = _numbers(values)
                known = numbers[~np.isnan(numbers)]
                fill = float(np.median(known)) if column.kind != "flag" else float(known.mean() > 0.5)
                features.append(
                    Feature(column, fill=fill, has_gaps=gaps, is_whole=bool((known == np.rint(known)).all()))
                )
            features += [Feature(column, KNOWN, has_gaps=True)] if gaps else []
        return cls(tuple(features), words)

    def rows(self, frame: pd.DataFrame, *, is_new_told: bool = True) -> np.ndarray:
        """Shape (customers, features), no gaps.

        A lacking column is refused, and a word never seen unless `is_new_told` is False: then it is none of the words.
        """
        refuse(*lacking(frame, {feature.column.name: feature.column for feature in self.features}.values()))
        texts = {name: frame[name].astype("str").where(frame[name].notna()) for name in self.words}
        new = {name: sorted(set(texts[name].dropna()) - set(words)) for name, words in self.words.items()}
        refuse(
            *(
                f"rules: {name} holds {words}, which the rules have not seen. Learn them anew."
                for name, words in new.items()
                if words and is_new_told
            )
        )
        rows = np.zeros((len(frame), len(self.features)))
        for place, feature in enumerate(self.features):
            name = feature.column.name
            if feature.asks == KNOWN:
                rows[:, place] = frame[name].notna()
            elif feature.asks == "word":
                rows[:, place] = (texts[name] == feature.word).fillna(False)
            else:
                numbers = _numbers(frame[name])
                rows[:, place] = np.clip(np.where(np.isnan(numbers), feature.fill, numbers), -_FARTHEST, _FARTHEST)
        return rows


def grow_paths(
    coding: Coding, rows: np.ndarray, codes: np.ndarray, *, segments: int, leaves: int, seed: int
) -> list[tuple[int, Bounds]]:
    """Grow a tree and read off the rounded bounds that lead to each of its ends.

    Parameters
    ----------
    coding : Coding
        What the columns of `rows` are.
    rows : ndarray
        Shape (customers, features), no gaps.
    codes : ndarray of int
        Segment of each customer, 0 to segments - 1.
    segments, leaves, seed : int
        Number of segments; most ends of the tree, 2 or more; same seed, same tree.

    Returns
    -------
    list of (int, dict)
        Segment of most customers at the end, and bounds by feature, the first asked first. Ends of the same segment
        whose bounds meet are joined. A tree without a split gives no path.

    Notes
    -----
    Where plain counting leaves a segment without an end, segments count alike whatever their size, if that finds more
    of them.
    """
    from sklearn.tree import DecisionTreeClassifier

    if segments < 2 or not coding.features:
        return []
    smallest = max(_SMALLEST_LEAF, math.ceil(_SMALLEST_LEAF_SHARE * len(rows)))
    present = np.bincount(codes, minlength=segments)
    found: list[list[tuple[int, Bounds]]] = []
    for weights in (np.ones(segments), len(codes) / np.maximum(present, 1)):
        model = DecisionTreeClassifier(max_leaf_nodes=leaves, min_samples_leaf=smallest, random_state=seed)
        model.fit(rows, codes, sample_weight=weights[codes])
        found.append(_paths(model, coding.features, rows, codes, weights))
        if _ends(found[0]) == (present > 0).sum():
            break
    best = max(found, key=_ends)
    return [(code, path) for code in range(segments) for path in joined([path for one, path in best if one == code])]


def _ends(paths: list[tuple[int, Bounds]]) -> int:
    return len({code for code, _ in paths})


def _paths(
    model: DecisionTreeClassifier,
    features: Sequence[Feature],
    rows: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
) -> list[tuple[int, Bounds]]:
    """Round the bounds from the root down, and give each end the segment of most customers who now come there."""
    nodes, found = model.tree_, []
    waiting: list[tuple[int, np.ndarray, Bounds]] = [(0, np.arange(len(rows)), {})]
    while waiting:
        node, here, bounds = waiting.pop()
        if not len(here):  # rounding has closed the branch
            continue
        if nodes.children_left[node] < 0:
            if bounds:
                found.append((int((np.bincount(codes[here], minlength=len(weights)) * weights).argmax()), bounds))
            continue
        feature, values = features[nodes.feature[node]], rows[here, nodes.feature[node]]
        bound = _memorable(float(nodes.threshold[node]), values, feature)
        low, high = bounds.get(feature, (-math.inf, math.inf))
        up = values > bound
        waiting.append((nodes.children_right[node], here[up], {**bounds, feature: (max(low, bound), high)}))
        waiting.append((nodes.children_left[node], here[~up], {**bounds, feature: (low, min(high, bound))}))
    return found


def _memorable(bound: float, values: np.ndarray, feature: Feature) -> float:
    """The bound with two significant digits, or as many more as keep customers on their side."""
    if feature.asks != "value" or feature.column.kind == "flag":
        return 0.0  # no, yes
    start = math.floor(bound) if feature.is_whole else bound
    for digits in (2, 3, 4):
        short = float(f"{start:.{digits}g}")
        if ((values <= bound) != (values <= short)).mean() <= _MOVED:
            return short
    return start


def lacking(frame: pd.DataFrame, columns: Iterable[Column]) -> list[str]:
    """Name the columns that a frame lacks, as sentences for a refusal."""
    return [
        f"rules: the frame lacks the column {c.name!r}; it has {', '.join(map(str, frame.columns))}."
        f"{nearest(c.name, frame.columns)}"
        for c in columns
        if c.name not in frame
    ]


def _numbers(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=float, na_value=np.nan)
