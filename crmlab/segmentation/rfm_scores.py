"""Recency, frequency, monetary: scores from 1 to 5 by cut points that are learned once, and the named cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from crmlab.errors import nearest, refuse
from crmlab.stats import amount_text

__all__ = ["CELLS", "CELL_OF", "MEASURES", "NEVER", "RfmScores", "cell_of", "cell_words"]

# score -> column of the snapshot it is made of: bookings the customer initiated only
MEASURES = {
    "recency_score": "recency_days",
    "frequency_score": "frequency_12m_count",
    "monetary_score": "monetary_12m_amount",
}
NEVER = "never active"
# names of the cells, in the order shown
CELLS = (
    "champions", "loyal", "potential loyalists", "new or recent", "promising", "need attention", "about to sleep",
    "at risk", "cannot lose them", "hibernating", "lost", NEVER,
)  # fmt: skip
# recency score -> cell by frequency score 1 to 5
_GRID = {
    5: ("new or recent", "potential loyalists", "potential loyalists", "loyal", "champions"),
    4: ("promising", "potential loyalists", "potential loyalists", "loyal", "champions"),
    3: ("about to sleep", "about to sleep", "need attention", "loyal", "champions"),
    2: ("hibernating", "about to sleep", "need attention", "loyal", "loyal"),
    1: ("lost", "at risk", "at risk", "cannot lose them", "cannot lose them"),
}
# (recency score, frequency score), each 1 to 5 -> cell: the one map
CELL_OF = {(recency, place + 1): name for recency, names in _GRID.items() for place, name in enumerate(names)}
_FIFTHS = 5
_FEWEST_SCORES, _MOST_SCORES = 3, 9  # two would be no grid; a score is one digit of the text


class RfmScores:
    """Score customers by when, how often and with how much money they last acted.

    Parameters
    ----------
    scores : int
        Number of scores, 3 to 9; 5 is the convention. The highest is the best.
    currency : str
        Currency code, for the rules in words.

    Attributes
    ----------
    cuts_ : dict of str to tuple of float
        For ``recency_score``, ``frequency_score`` and ``monetary_score`` what earns score 2, 3, ...: the fewest
        bookings and the smallest amount, the most days. Infinite where everybody earns it, or nobody.
    rules_ : dict of str to dict of int to str
        The rule of each score in words.
    learned_count_ : int
        Customers whom the cut points were learned from.

    Notes
    -----
    Only what the customer did counts: interest, fees and standing orders are in none of the three columns.

    *Cut points.* The lowest score is for the fifth of customers who are last, and so on. Equal values always get equal
    scores, so fifths are rarely even: each cut is put between two different values, where the share of customers below
    comes nearest to 1, 2, 3, 4 fifths. Said otherwise, a value's score is the fifth in which the middle of the
    customers with that value stands. So a score may stay empty, half of the customers at 0 days are all of score 4,
    and where all have the same value everybody has the middle score, since nothing tells them apart. Below 5 customers
    the scores are spread alike (4 customers: 1, 2, 4, 5); one customer has the middle score.

    *Who never acted* has no recency. Such customers have no score but the cell ``never active``, and the cut points
    are learned without them. Who last acted more than 12 months ago has a recency, and 0 bookings. Who has a gap in
    one of the three columns has no score and no cell.

    *Who joined lately* has a year of bookings that is not full, so fewer. So has everybody in the first year of a
    bank's data: cut points learned there age fast (`crmlab.segmentation.rfm_readings.rescored` tells).

    *Recency depends on the day*: little is booked at a weekend, so on a Sunday few customers are below 2 days.
    Between a Sunday and a Tuesday half a year later 24 % of a simulated bank's customers kept their score of
    recency, hardly more than by lot, and 79 % that of frequency. Compare days that lie alike in week and month.

    *Next month* `transform` applies the cut points learned, so a score changes because the customer did.

    References
    ----------
    Hughes (1994), Strategic Database Marketing, for scores by fifths (there fifths of money within fifths of frequency
    within fifths of recency; here each by itself, as most do since). For the cells see `cell_of`.

    Examples
    --------
    >>> seen = pd.DataFrame({
    ...     "recency_days": [0, 2, 5, 30, 400, None],
    ...     "frequency_12m_count": [90, 60, 20, 4, 0, 0],
    ...     "monetary_12m_amount": [9000.0, 9500.0, 900.0, 80.0, 0.0, 0.0],
    ... }, index=list("abcdef"))
    >>> model = RfmScores(currency="EUR").fit(seen)
    >>> model.transform(seen)[["score", "cell"]].values.tolist()[:3]
    [['554', 'champions'], ['445', 'loyal'], ['333', 'need attention']]
    >>> model.transform(seen)["cell"].tolist()[3:]
    ['about to sleep', 'lost', 'never active']
    >>> model.rules_["recency_score"][4], model.rules_["frequency_score"][4]
    ('over 0 to 2 days', '60 to under 90 a year')
    """

    def __init__(self, *, scores: int = 5, currency: str = "") -> None:
        self.scores = scores
        self.currency = currency

    def fit(self, seen: pd.DataFrame) -> RfmScores:
        """Learn the cut points.

        Parameters
        ----------
        seen : DataFrame
            Snapshot. A bank without transactions has none of the three columns: then nobody can be scored.

        Returns
        -------
        RfmScores
            Itself.
        """
        if not isinstance(self.scores, int) or not _FEWEST_SCORES <= self.scores <= _MOST_SCORES:
            refuse(
                f"RfmScores: {self.scores!r} scores cannot be made. Give a whole number from "
                f"{_FEWEST_SCORES} to {_MOST_SCORES}."
            )
        values = _oriented(seen)
        known = values.dropna()
        self.learned_count_ = len(known)
        self.cuts_ = {
            name: tuple(_sign(name) * cut for cut in _cuts(known[name].to_numpy(), self.scores)) for name in MEASURES
        }
        return self

    def transform(self, seen: pd.DataFrame) -> pd.DataFrame:
        """Score customers by the cut points learned.

        Parameters
        ----------
        seen : DataFrame
            Snapshot, of the same date or another.

        Returns
        -------
        DataFrame
            Same rows, same order: ``recency_score``, ``frequency_score``, ``monetary_score`` (Int64, missing for who
            cannot be scored), ``score`` (the three as text, ``"545"``) and ``cell``. Its ``attrs`` note the number of
            scores and the rules of the cells.
        """
        if not hasattr(self, "cuts_"):
            refuse("RfmScores: no cut points are learned yet. Call fit first.")
        values = _oriented(seen)
        known = values.notna().all(axis=1) & (self.learned_count_ > 0)
        frame = pd.DataFrame(index=seen.index)
        for name in MEASURES:
            cuts = _sign(name) * np.array(self.cuts_[name])
            placed = 1 + np.searchsorted(cuts, values[name].to_numpy(), side="right")
            frame[name] = pd.Series(placed, index=seen.index, dtype="Int64").where(known)
        digits = [frame[name].astype("str") for name in MEASURES]
        frame["score"] = (digits[0] + digits[1] + digits[2]).astype("str").where(known)
        named = cell_of(frame["recency_score"], frame["frequency_score"], scores=self.scores)
        frame["cell"] = named.mask(_never(seen), NEVER)
        frame.attrs = {"scores": self.scores, "rules": self.cell_rules_}
        return frame

    @property
    def rules_(self) -> dict[str, dict[int, str]]:
        """The rule of each score in words."""
        return {name: {k: self._words(name, k, k) for k in range(1, self.scores + 1)} for name in MEASURES}

    @property
    def cell_rules_(self) -> dict[str, str]:
        """The rule of each cell in scores, and what that is in days and bookings.

        >>> seen = pd.DataFrame({"recency_days": [0, 1, 2, 3, 4], "frequency_12m_count": [50, 40, 30, 20, 10],
        ...                      "monetary_12m_amount": [5.0, 4.0, 3.0, 2.0, 1.0]})
        >>> RfmScores().fit(seen).cell_rules_["champions"]
        'recency 3 to 5 (up to 2 days), frequency 5 (50 and more a year)'
        """
        return _rules_of_cells(self.scores, lambda what, *side: f" ({self._words(f'{what}_score', *side)})")

    def _words(self, name: str, low: int, high: int) -> str:
        """Say in words what earns a score from `low` to `high`."""
        if not self.learned_count_:
            return "nobody: no active customer to learn from"
        edges = (-_sign(name) * math.inf, *self.cuts_[name], _sign(name) * math.inf)
        first, beyond = edges[low - 1], edges[high]
        if first == beyond:
            return "nobody"
        if math.isinf(first) and math.isinf(beyond):
            return "all"
        if name == "recency_score":
            if math.isinf(beyond):
                return f"up to {_number(first)} days"
            return f"over {_number(beyond)}" + ("" if math.isinf(first) else f" to {_number(first)}") + " days"
        is_amount = name == "monetary_score"
        first, beyond = (amount_text(x, self.currency).strip() if is_amount else _number(x) for x in (first, beyond))
        if edges[low - 1] == -math.inf:
            return f"under {beyond} a year"
        return (f"{first} and more" if edges[high] == math.inf else f"{first} to under {beyond}") + " a year"

    def as_dict(self) -> dict:
        """State as plain values for JSON; what everybody or nobody earns is a word.

        >>> alike = pd.DataFrame({name: [1.0, 1.0] for name in MEASURES.values()})
        >>> RfmScores(scores=3).fit(alike).as_dict()["cuts"]["frequency_score"]
        ['everybody', 'nobody']
        """
        cuts = {name: [_as_plain(name, cut) for cut in values] for name, values in self.cuts_.items()}
        return {"scores": self.scores, "currency": self.currency, "learned_count": self.learned_count_, "cuts": cuts}

    @classmethod
    def from_dict(cls, state: Mapping) -> RfmScores:
        """Make the scores again from `as_dict`."""
        model = cls(scores=state["scores"], currency=state["currency"])
        model.learned_count_ = state["learned_count"]
        model.cuts_ = {name: tuple(_as_cut(name, cut) for cut in cuts) for name, cuts in state["cuts"].items()}
        return model


def cell_of(recency: pd.Series, frequency: pd.Series, *, scores: int = 5) -> pd.Series:
    """Name the cell of the grid of recency and frequency.

    Parameters
    ----------
    recency, frequency : Series of int
        Scores, 1 to `scores`, the highest the best.
    scores : int
        Number of scores. With another number than 5 a score stands for the fifth in which its middle lies.

    Returns
    -------
    Series of str
        Name, one of `CELLS`; missing where a score is.

    Notes
    -----
    The names are those in common use in CRM tools (champions, loyal, ... lost), and so is their place on the grid,
    with these changes for a bank:

    - A shop's customer buys some times a year: who bought last week differs from who bought in spring. A bank's
      customer pays by card most days. In simulated banks 41 to 54 % of customers acted within the last 3 days, 78 % of
      the frequent (frequency 4 and 5), and the fifths of recency lie at 0, 1, 4 and 22 days. Among the frequent,
      recency today hardly goes with recency a month later (rank correlation .16; in Berka's bank .21); for frequency
      it is .99 (.93), though eleven of its twelve months are the same. Whether the last payment was on Friday or on
      Sunday names nobody: for frequency 4 and 5, recency 3 to 5 count alike.
    - Who rests a little is not lost. Recency 2 with frequency 4 or 5 is ``loyal`` (by convention at risk, or not to be
      lost), with 3 ``need attention`` (at risk), with 2 ``about to sleep`` (hibernating): half a year later 0 to 7 % of
      them had done nothing of their own for 90 days, as few as of others of their frequency.
    - Recency 1 is what counts: there 15 to 46 % fell silent. Frequency 2 and 3 are ``at risk`` (2 by convention
      hibernating), 4 and 5 ``cannot lose them``. In Berka's bank, with two months to look ahead, none of 101 of them
      did: ask `crmlab.segmentation.rfm_readings.silenced` what the names are worth in a bank.
    - ``new or recent`` is what it says: few bookings, the last one just now. In a bank that is as often an old customer
      who hardly uses it (median tenure 7 years in the simulated bank) as a new one (2 days in Berka's): tenure tells.

    Money is not in the map. It goes with frequency (rank correlation .73; in Berka's bank .91), and a large amount is
    often one transfer to or from the customer's own account elsewhere. It stands beside each cell.

    References
    ----------
    The names spread with the tools of the 2010s, such as Putler's "RFM analysis"; their first source is not known.

    Examples
    --------
    >>> cell_of(pd.Series([5, 1, None]), pd.Series([5, 3, 2])).tolist()
    ['champions', 'at risk', nan]
    """
    known = recency.notna() & frequency.notna()
    pairs = zip(_fifth(recency[known], scores), _fifth(frequency[known], scores), strict=True)
    names = pd.Series([CELL_OF[pair] for pair in pairs], index=recency.index[known.to_numpy()], dtype="str")
    found = pd.Series(np.nan, index=recency.index, dtype="str")
    found[known.to_numpy()] = names.to_numpy()
    return found


def cell_words(scores: int = 5) -> dict[str, str]:
    """Give the rule of each cell in scores.

    >>> cell_words()["loyal"]
    'recency 3 to 5, frequency 4; or recency 2, frequency 4 to 5'
    """
    return _rules_of_cells(scores, lambda what, low, high: "")


def _rules_of_cells(scores: int, meaning: Callable[[str, int, int], str]) -> dict[str, str]:
    rules = {name: [] for name in CELLS[:-1]}
    for name, recency, frequency in _boxes(scores):
        sides = (("recency", recency), ("frequency", frequency))
        rules[name].append(", ".join(f"{what} {_range(*side)}{meaning(what, *side)}" for what, side in sides))
    said = {name: "; or ".join(parts) or f"none with {scores} scores" for name, parts in rules.items()}
    return said | {NEVER: "no act of the customer's own is known"}


def _fifth(scores: object, most: int) -> np.ndarray:
    """Give the fifth in which the middle of a score lies: (score - 1/2) / most, counted in whole numbers."""
    doubled = np.asarray(scores, dtype=int) * 2 - 1
    return -(-_FIFTHS * doubled // (2 * most))


def _boxes(most: int) -> list[tuple[str, tuple[int, int], tuple[int, int]]]:
    """Cut the grid into boxes of one name: name, recency from and to, frequency from and to; best first."""
    fifth = dict(enumerate(_fifth(range(1, most + 1), most), start=1))
    boxes: list[tuple[str, tuple[int, int], tuple[int, int]]] = []
    for recency in range(most, 0, -1):
        names = [CELL_OF[fifth[recency], fifth[frequency]] for frequency in range(1, most + 1)]
        for name in dict.fromkeys(names):
            places = [place + 1 for place, other in enumerate(names) if other == name]
            side = (places[0], places[-1])
            above = (name, recency + 1, side)
            old = next((box for box in boxes if (box[0], box[1][0], box[2]) == above), None)
            if old:
                boxes[boxes.index(old)] = (name, (recency, old[1][1]), side)
            else:
                boxes.append((name, (recency, recency), side))
    return boxes


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if math.isinf(value) or value == round(value) else f"{value:,.2f}"


def _sign(name: str) -> int:
    """Fewer days are better, more bookings and money are."""
    return -1 if name == "recency_score" else 1


def _oriented(seen: pd.DataFrame) -> pd.DataFrame:
    """Give the three measures, the larger the better; missing all over where the bank has none of them."""
    absent = [column for column in MEASURES.values() if column not in seen]
    if absent and len(absent) < len(MEASURES):
        near = nearest(absent[0], set(seen.columns) - set(MEASURES.values()))
        refuse(f"RfmScores: the snapshot lacks columns {absent}. Keep all of {list(MEASURES.values())}.{near}")
    twice = not seen.index.is_unique
    refuse(*(["RfmScores: the snapshot has customers twice. Give one row a customer."] if twice else []))
    columns = {
        name: np.nan if absent else _sign(name) * seen[column].astype("float64") for name, column in MEASURES.items()
    }
    return pd.DataFrame(columns, index=seen.index, dtype="float64")


def _never(seen: pd.DataFrame) -> pd.Series:
    """Tell who never acted: no last act, and none in the last 12 months."""
    recency, frequency = MEASURES["recency_score"], MEASURES["frequency_score"]
    if recency not in seen:
        return pd.Series(False, index=seen.index)
    return seen[recency].isna() & (seen[frequency] == 0)


def _cuts(values: np.ndarray, scores: int) -> list[float]:
    """Find the smallest value that earns score 2, 3, ...: a value stands in the fifth of the middle of its like."""
    different, counts = np.unique(values, return_counts=True)
    below = np.cumsum(counts) - counts
    # whole numbers, so that no rounding decides: scores x (below + counts / 2) / n, rounded up
    place = -(-scores * (2 * below + counts) // (2 * max(len(values), 1)))
    first = [int(np.searchsorted(place, k)) for k in range(2, scores + 1)]
    return [-math.inf if i == 0 else float(different[i]) if i < len(different) else math.inf for i in first]


def _as_plain(name: str, cut: float) -> float | str:
    if not math.isinf(cut):
        return cut
    return "everybody" if cut * _sign(name) < 0 else "nobody"


def _as_cut(name: str, plain: float | str) -> float:
    if isinstance(plain, str):
        return {"everybody": -math.inf, "nobody": math.inf}[plain] * _sign(name)
    return float(plain)
