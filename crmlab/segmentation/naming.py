"""Names of segments that follow the profile: renumbered or refitted, a segment keeps its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from crmlab.errors import refuse
from crmlab.segmentation.rule_words import inside

__all__ = ["FITS", "FITS_SHARE", "STANDS_OUT", "Names", "name_segments"]

FITS = 0.25  # standard deviations: a word that a segment earns less than this is not given to it,
FITS_SHARE = 0.4  # nor one that it earns less than this share of its most outstanding column
STANDS_OUT = 0.5  # standard deviations: a segment that no word fits and no column takes this far is the average
_AVERAGE, _ALL = "Average", "All customers"
_BANNED = -1e6
_UNKNOWN = {"runner_up": "", "margin": float("inf")}


@dataclass(frozen=True)
class Names:
    """What segments are called, and why.

    Parameters
    ----------
    names : tuple of str
        One a row of the profile, in its order; no two are alike.
    frame : DataFrame
        One row a segment: ``name``; ``score`` (how well the word fits, standard deviations; missing without a word);
        ``runner_up`` (what the segment would be called next); ``margin`` (what the best naming of all segments loses
        by that, standard deviations: near 0, the name may change with the next customers); ``rule`` (what earned the
        name) and, where sizes were given, ``customers_count``.
    """

    names: tuple[str, ...]
    frame: pd.DataFrame


def name_segments(
    profile: pd.DataFrame,
    words: Mapping[str, Mapping[str, float]],
    sizes: Sequence[int] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
) -> Names:
    """Name each segment by what sets it apart from all customers.

    Parameters
    ----------
    profile : DataFrame
        One row a segment, one column a prepared column: mean of the segment less mean of all, in standard deviations
        of all customers. A gap counts as 0.
    words : mapping of str to mapping of str to float
        Name -> weights of the prepared columns that earn it; a weight below 0 asks for a low value.
    sizes : sequence of int, optional
        Customers of each segment; they part segments of exactly the same profile.
    labels : mapping of str to str, optional
        What a reader calls a column; the name in words where not given.

    Returns
    -------
    Names
        By position of the profile's rows.

    Notes
    -----
    A word's score for a segment is the mean of the profile over the word's columns, weighted, signs kept. A word counts
    when at least half of its weight is on columns that are there. It fits a segment when its score is at least `FITS`
    and `FITS_SHARE` of the segment's most outstanding column. Each word is given once: of all ways to give words to
    segments, the one with the largest total score is taken, where a segment without a word counts what a word that just
    fits would. A segment whose best word another one has earned is called by that word and the column in which it
    stands out, the same way, from all customers and from the other segment. A segment that no word fits is called by
    its most outstanding column, or ``Average``.

    The names depend on the profile alone, never on the number a method gave to a cluster.

    Examples
    --------
    >>> profile = pd.DataFrame({"logins": [1.2, -0.9, -0.8], "cash": [-0.6, 1.5, -0.1], "amount": [0.1, 0.2, -0.9]})
    >>> words = {"Digital": {"logins": 1.0}, "Cash": {"cash": 1.0}, "Quiet": {"logins": -1.0, "amount": -1.0}}
    >>> name_segments(profile, words).names
    ('Digital', 'Cash', 'Quiet')
    >>> name_segments(profile, {"Digital": {"logins": 1.0}}).names
    ('Digital', 'High cash', 'Low amount')
    >>> name_segments(profile, {"Not digital": {"logins": -1.0}}).names
    ('High logins', 'Not digital, higher cash', 'Not digital')
    """
    if profile.empty or not profile.columns.is_unique:
        refuse("name_segments: the profile is empty or names a column twice. Give one row a segment, columns once.")
    counts = np.zeros(len(profile), dtype=int) if sizes is None else np.asarray(sizes)
    if len(counts) != len(profile):
        refuse(f"name_segments: {len(counts)} sizes for {len(profile)} segments. Give one size a segment.")
    # in an order of the content, so that even ties do not depend on how clusters and columns are numbered
    values = profile[sorted(profile.columns, key=str)].fillna(0.0)
    order = sorted(range(len(values)), key=lambda i: (*values.iloc[i].round(9), counts[i]))
    namer = _Namer(values.iloc[order].reset_index(drop=True), words, labels or {})
    rows = pd.DataFrame(namer.told(), index=order).sort_index()
    rows.index = profile.index
    if sizes is not None:
        rows["customers_count"] = counts
    return Names(tuple(rows["name"]), rows)


class _Namer:
    """Names of one profile."""

    def __init__(
        self, profile: pd.DataFrame, words: Mapping[str, Mapping[str, float]], labels: Mapping[str, str]
    ) -> None:
        self.profile = profile
        self.words = {word: known for word, weights in words.items() if (known := _known(weights, profile.columns))}
        self.labels = {str(column): _label(str(column), labels) for column in profile.columns}
        self.scores = np.array(
            [profile[list(w)].to_numpy() @ np.array(list(w.values())) for w in self.words.values()]
        ).reshape(len(self.words), len(profile)).T  # fmt: skip
        self.least = np.maximum(FITS, FITS_SHARE * profile.abs().max(axis=1).to_numpy())

    def told(self) -> list[dict[str, object]]:
        """Name, score, runner-up, margin and rule of each segment."""
        if len(self.profile) == 1:
            nothing = {"score": np.nan, "runner_up": "", "margin": np.nan}
            return [{"name": _ALL, **nothing, "rule": "there is one segment"}]
        given, total = self._assign(self.scores)
        names, nearly = self._names(given)
        return [
            {
                "name": names[i],
                "score": float(self.scores[i, given[i]]) if given[i] >= 0 else np.nan,
                **min(self._next(i, given, total), nearly.get(i, _UNKNOWN), key=lambda other: other["margin"]),
                "rule": self._rule(i, given),
            }
            for i in range(len(self.profile))
        ]

    def _assign(self, scores: np.ndarray, banned: int = -1) -> tuple[list[int], float]:
        """Word of each segment, -1 for none, by the largest total; `banned` must take a word."""
        k, count = len(self.profile), len(self.words)
        without = np.where(np.eye(k, dtype=bool), self.least, _BANNED)
        if banned >= 0:
            without[banned, banned] = _BANNED
        table = np.hstack([scores, without])
        rows, places = linear_sum_assignment(table, maximize=True)
        return [int(place) if place < count else -1 for place in places], float(table[rows, places].sum())

    def _next(self, i: int, given: list[int], total: float) -> dict[str, object]:
        """What a segment is called when it may not have its word, and what the best naming loses by it."""
        if not self.words:
            return _UNKNOWN
        scores = self.scores.copy()
        if given[i] >= 0:
            scores[i, given[i]] = _BANNED
        other, less = self._assign(scores, banned=i if given[i] < 0 else -1)
        return {"runner_up": self._names(other)[0][i], "margin": total - less}

    def _taken(self, i: int, given: list[int]) -> int:
        """The word that fits a segment without a word best, where another one has it; -1 for none."""
        if not self.words:
            return -1
        best = int(self.scores[i].argmax())
        return best if self.scores[i, best] >= self.least[i] and best in given else -1

    def _names(self, given: list[int]) -> tuple[list[str], dict[int, dict[str, object]]]:
        """Names of all segments: their words, and built ones for those without; how nearly those were others."""
        listed = list(self.words)
        free = [i for i, word in enumerate(given) if word < 0]
        wishes = {i: [wish for wish in self._wishes(i, given) if wish[0] not in self.words] for i in free}
        # Each asks for its best name; who has earned it more keeps it, the other asks for its next (deferred
        # acceptance, Gale and Shapley 1962): the outcome does not depend on who asks first.
        held: dict[str, int] = {}
        asking, turn = free[::-1], dict.fromkeys(free, -1)
        while asking:
            i = asking.pop()
            turn[i] += 1
            name, strength = wishes[i][turn[i]]
            holder = held.get(name)
            if holder is not None and wishes[holder][turn[holder]][1] >= strength:
                asking.append(i)
                continue
            asking += [] if holder is None else [holder]
            held[name] = i
        built = {i: name for name, i in held.items()}
        nearly = {}
        for i in free:
            (_, strength), (name, less) = wishes[i][turn[i]], wishes[i][turn[i] + 1]
            nearly[i] = {"runner_up": name, "margin": max(strength - less, 0.0)}
        return [listed[word] if word >= 0 else built[i] for i, word in enumerate(given)], nearly

    def _wishes(self, i: int, given: list[int]) -> list[tuple[str, float]]:
        """Built names for a segment, best first, and how much it has earned each."""
        own, word = self.profile.iloc[i], self._taken(i, given)
        if word >= 0:
            apart = own - self.profile.iloc[given.index(word)]
            # it stands out from all customers and, the same way, from the segment that has the word
            earned = np.minimum(own.abs(), apart.abs()).where(own * apart > 0, 0.0)
            ranked = sorted(_farthest(apart), key=lambda column: -earned[column])
            said = list(self.words)[word]
            found = [(f"{said}, {self._more(c, apart[c])}", float(earned[c])) for c in ranked]
        else:
            found = [(self._high(c, own[c]), float(abs(own[c]))) for c in _farthest(own)]
            # the average is asked for by those near it only, and earned by the nearest
            average = (_AVERAGE, 2 * STANDS_OUT - found[0][1])
            found = [average, *found] if found[0][1] < STANDS_OUT else found
        return found + [(f"{found[0][0]} {number}", 0.0) for number in range(2, len(given) + 3)]

    def _high(self, column: str, value: float) -> str:
        label, is_word = self.labels[column], "=" in column
        if is_word:
            return label if value > 0 else f"Seldom {inside(label)}"
        return f"{'High' if value > 0 else 'Low'} {inside(label)}"

    def _more(self, column: str, value: float) -> str:
        if "=" in column:
            return f"{'more' if value > 0 else 'less'} often {inside(self.labels[column])}"
        return f"{'higher' if value > 0 else 'lower'} {inside(self.labels[column])}"

    def _rule(self, i: int, given: list[int]) -> str:
        """The columns that earned the name, farthest first, with their distance from the mean of all customers."""
        own, word = self.profile.iloc[i], given[i]
        columns = list(self.words[list(self.words)[word]]) if word >= 0 else _farthest(own)[:2]
        parts = [f"{inside(self.labels[c])} {own[c]:+.1f}" for c in _farthest(own[columns])]
        text = ", ".join(parts) + " standard deviations from the mean of all"
        return text[:1].upper() + text[1:]


def _known(weights: Mapping[str, float], columns: pd.Index) -> dict[str, float]:
    """Weights of the columns that are there, their sizes adding up to 1; none when over half of the weight is lost."""
    there = {column: float(weight) for column, weight in weights.items() if column in columns and weight}
    size, whole = sum(map(abs, there.values())), sum(abs(weight) for weight in weights.values())
    return {column: weight / size for column, weight in there.items()} if there and size >= whole / 2 else {}


def _farthest(values: pd.Series) -> list[str]:
    """Columns by the size of their value, largest first; names part ties."""
    return sorted(values.index, key=lambda column: (-abs(values[column]), str(column)))


def _label(column: str, labels: Mapping[str, str]) -> str:
    stem, _, word = column.partition("=")
    said = labels.get(column) or labels.get(stem) or stem.replace("_", " ").capitalize()
    return f"{said} {word}" if word and column not in labels else said
