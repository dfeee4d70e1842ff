"""Plain rules that replay segments: read off a small tree, shortened, and judged on other customers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmlab.errors import refuse
from crmlab.segmentation.columns import Column
from crmlab.segmentation.rule_tree import Coding, grow_paths, lacking
from crmlab.segmentation.rule_words import Bounds, rule_text
from crmlab.stats import Estimate, Evidence, count_text, proportion, proportions

__all__ = ["GROWN_ON", "Rules", "replay", "segment_rules"]

GROWN_ON = 20_000  # customers; more do not move bounds of two digits
_FOLDS = 5
_MOST_LEAVES, _MOST_RULES = 12, 3
_SHORTER, _FURTHER = 0.005, 0.02  # F measure: what a shorter rule may cost, and what a further rule must bring
_SHORT_COSTS = 0.02  # share of customers put right; where short rules cost more, the paths stay as they are
_NO_RULE = "No short rule finds it"


@dataclass(frozen=True)
class Rules:
    """Segments in plain rules.

    Parameters
    ----------
    frame : DataFrame
        One row a rule, at most three a segment, the one that finds most first: ``segment``, ``rule``,
        ``customers_count`` (whom it names), ``precision_share`` (how many of those are in the segment) and
        ``recall_share`` (how many of the segment it finds), each with ``_low`` and ``_high`` (Wilson). A segment that
        no rule finds has none.
    segments : DataFrame
        The same, one row a segment with its rules taken together, largest segment first.
    accuracy : Estimate
        Share of customers whom rules found on others put in their segment.
    baseline : float
        The same for "everybody is in the largest segment".
    texts : dict of str to str
        Segment -> its rules in a line.
    otherwise : str
        Segment of those whom no rule names.
    """

    frame: pd.DataFrame
    segments: pd.DataFrame
    accuracy: Estimate
    baseline: float
    texts: dict[str, str]
    otherwise: str
    _list: _RuleList = field(repr=False)

    def predict(self, frame: pd.DataFrame) -> pd.Series:
        """Assign customers by the rules as they are written: same rows, same order, name of the segment.

        Whom more than one rule names goes by the most precise of them.
        """
        codes = self._list.codes(self._list.coding.rows(frame))
        names = np.array(self._list.names, dtype=object)
        return pd.Series(names[codes], index=frame.index, name="segment", dtype="str")


@dataclass(frozen=True)
class _Rule:
    code: int
    bounds: Bounds
    trust: float  # lower limit of the precision


@dataclass(frozen=True)
class _RuleList:
    coding: Coding
    names: tuple[str, ...]
    rules: tuple[_Rule, ...]
    otherwise: int

    def named(self, rows: np.ndarray, rule: _Rule) -> np.ndarray:
        return _named(self.coding, rows, rule.bounds)

    def codes(self, rows: np.ndarray) -> np.ndarray:
        codes = np.full(len(rows), self.otherwise)
        for rule in sorted(self.rules, key=lambda one: one.trust):  # the most precise has the last word
            codes[self.named(rows, rule)] = rule.code
        return codes


def segment_rules(
    frame: pd.DataFrame,
    segments: pd.Series,
    columns: Sequence[Column],
    *,
    leaves: int | None = None,
    seed: int = 1,
) -> Rules:
    """Find few plain rules that tell who is in which segment.

    Parameters
    ----------
    frame : DataFrame
        One row a customer, in original units; gaps allowed, further columns ignored.
    segments : Series of str
        Segment of each customer, same index; a customer without one is left out.
    columns : sequence of Column
        What rules may ask about.
    leaves : int, optional
        Ends of the tree; twice the number of segments, at most 12, where not given.
    seed : int
        Same seed, same rules.

    Notes
    -----
    A classification tree (Breiman and others 1984) is grown to so many ends, each of at least 10 customers and 1 % of
    them, and its bounds are rounded to two significant digits, or to more where that would put over 2 % of the
    customers of a branch on the other side. Each path to an end is a rule. As in C4.5 (Quinlan 1993) rules are then
    shortened: a condition goes where the rules of the segment lose at most 0.005 of their F measure (harmonic mean of
    precision and recall) without it, and a further rule stays where it brings 0.02, up to three a segment; where this
    puts 2 % fewer customers right, the paths stay as they are. Shortened rules may overlap: the more precise one
    counts. All that is said of the rules is said of them as written.

    A bound is included below ("up to 12") and excluded above ("over 12"). A gap counts as the median, of a yes or no as
    the more frequent, and a rule says "or not known" where that lies within its bounds; rules may also ask whether a
    value is known.

    Up to 20,000 customers the accuracy is cross-validated in five folds; of more, 20,000 make the rules and the others
    judge them. Precision and recall are counts over all customers. Intervals take customers as independent and the
    segments as given.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> seen = pd.DataFrame({"acts": np.r_[rng.poisson(3, 200), rng.poisson(30, 200)]})
    >>> found = segment_rules(seen, pd.Series(["Quiet"] * 200 + ["Busy"] * 200),
    ...                       [Column("acts", "Bookings a month", "count")])
    >>> found.texts
    {'Busy': 'Bookings a month over 12', 'Quiet': 'Bookings a month up to 12'}
    >>> found.accuracy.text
    '100.0 % (95 % interval 99.0 to 100.0 %, n = 400)'
    """
    _refuse(frame, segments, columns, leaves)
    told = segments.reindex(frame.index)
    known = told.notna().to_numpy()
    if not known.any():
        refuse("rules: no customer of the frame has a segment. Index both by customer_id.")
    told, seen = told[known].astype("str"), frame[known]
    counts = told.value_counts()
    names = tuple(sorted(counts.index, key=lambda name: (-counts[name], name)))
    codes = told.map({name: code for code, name in enumerate(names)}).to_numpy(dtype=int)
    most = leaves or max(min(2 * len(names), _MOST_LEAVES), len(names))
    order = np.random.default_rng(seed).permutation(len(seen))

    def learn(some: np.ndarray) -> _RuleList:
        part, of = seen.iloc[some], codes[some]
        coding = Coding.learn(part, columns)
        rows = coding.rows(part)
        paths = grow_paths(coding, rows, of, segments=len(names), leaves=most, seed=seed)
        lists = [_rule_list(coding, names, paths, rows, of, is_short=short) for short in (True, False)]
        right = [float((one.codes(rows) == of).mean()) for one in lists]
        return lists[0] if right[0] >= right[1] - _SHORT_COSTS else lists[1]

    made = learn(np.sort(order[:GROWN_ON]))
    accuracy = _accuracy(learn, seen, codes, order)
    by_rule, by_segment, texts = _told(made, made.coding.rows(seen), codes)
    share = float(counts.iloc[0] / len(told))
    return Rules(by_rule, by_segment, accuracy, share, texts, names[made.otherwise], made)


def replay(rules: Rules) -> Evidence:
    """Say how well plain rules replay the segments.

    Parameters
    ----------
    rules : Rules
        What `segment_rules` found.

    Returns
    -------
    Evidence
        Frame: `Rules.segments`. Estimates: ``replay_share``; ``replay_baseline_share`` for "everybody is in the largest
        segment".
    """
    accuracy, table = rules.accuracy, rules.segments
    largest = proportion(round(rules.baseline * accuracy.n), accuracy.n)
    if len(table) == 1:
        title, reading = "One segment needs no rule", "There is one segment, so there is nothing to tell apart."
    else:
        share = f"{100 * accuracy.value:.0f} %" if not 0.995 <= accuracy.value < 1 else accuracy.short
        title = f"Plain rules replay {share} of the segments"
        ranked = table.sort_values("recall_share", kind="stable")
        found = [f"{100 * ranked.iloc[i]['recall_share']:.0f} % of {ranked.iloc[i]['segment']}" for i in (-1, 0)]
        reading = (
            f"{len(rules.frame)} plain rules put {accuracy.text} of customers in their segment; calling everybody "
            f"{table.iloc[0]['segment']} would get {largest.short}. They find {found[0]} and {found[1]}. Whom no rule "
            f"names is taken for {rules.otherwise}."
        )
    return Evidence(
        table,
        title=title,
        about=f"Share of {count_text(accuracy.n)} customers whom rules found on others put in their segment; "
        "Wilson 95 % interval",
        reading=reading,
        estimates={"replay_share": accuracy, "replay_baseline_share": largest},
    )


def _named(coding: Coding, rows: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Whom a rule names."""
    named = np.ones(len(rows), dtype=bool)
    for feature, (low, high) in bounds.items():
        values = rows[:, coding.features.index(feature)]
        named &= (values > low) & (values <= high)
    return named


def _rule_list(
    coding: Coding,
    names: tuple[str, ...],
    paths: list[tuple[int, Bounds]],
    rows: np.ndarray,
    codes: np.ndarray,
    *,
    is_short: bool,
) -> _RuleList:
    """Make rules of the paths of a tree, segment by segment: as they are, or shortened."""

    def worth(bounds: Bounds, kept: np.ndarray, mine: np.ndarray) -> float:
        return _f_measure(kept | _named(coding, rows, bounds), mine)

    rules: list[_Rule] = []
    whole = np.zeros(len(rows), dtype=bool)
    for code in range(len(names)):
        mine = codes == code
        kept, score = np.zeros(len(rows), dtype=bool), 0.0

        own = [path for one, path in paths if one == code]
        own.sort(key=lambda path: (-int((_named(coding, rows, path) & mine).sum()), len(path)))
        for path in own[:_MOST_RULES]:
            bounds = _shorter(path, lambda one, kept=kept, mine=mine: worth(one, kept, mine)) if is_short else path
            gained = worth(bounds, kept, mine)
            if is_short and gained < score + _FURTHER:
                continue
            named = _named(coding, rows, bounds)
            limit = proportion(int((named & mine).sum()), int(named.sum())).low
            rules.append(_Rule(code, bounds, limit))
            kept, score = kept | named, gained
        whole |= kept
    rest = np.bincount(codes[~whole], minlength=len(names))
    return _RuleList(coding, names, tuple(rules), int(rest.argmax()))


def _shorter(path: Bounds, worth: Callable[[Bounds], float]) -> Bounds:
    """Take away conditions, or one side of them, as long as the rule hardly loses."""
    while True:
        shorter = [{other: limits for other, limits in path.items() if other != feature} for feature in path]
        shorter += [
            {**path, feature: half}
            for feature, (low, high) in path.items()
            if math.isfinite(low) and math.isfinite(high)
            for half in ((low, math.inf), (-math.inf, high))
        ]
        shorter = [one for one in shorter if one]
        best = max(shorter, key=worth, default=None)
        if best is None or worth(best) < worth(path) - _SHORTER:
            return path
        path = best


def _f_measure(named: np.ndarray, mine: np.ndarray) -> float:
    both = int((named & mine).sum())
    return 2 * both / max(int(named.sum()) + int(mine.sum()), 1)


def _accuracy(
    learn: Callable[[np.ndarray], _RuleList], seen: pd.DataFrame, codes: np.ndarray, order: np.ndarray
) -> Estimate:
    """Share of customers put in their segment by rules that were found on others."""
    n = len(order)
    if n == 1:
        return proportion(1, 1)
    folds = np.array_split(order, min(_FOLDS, n))
    parts = [(np.setdiff1d(order, fold), fold) for fold in folds]
    if n > GROWN_ON:
        parts = [(np.sort(order[:GROWN_ON]), order[GROWN_ON:])]
    right = 0
    for others, judged in parts:
        made = learn(others)
        # a word that only the judged have is none of the words asked about
        right += int((made.codes(made.coding.rows(seen.iloc[judged], is_new_told=False)) == codes[judged]).sum())
    return proportion(right, sum(len(judged) for _, judged in parts))


def _told(made: _RuleList, rows: np.ndarray, codes: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, str]]:
    """The rules in words, and how well each, and all of a segment together, find it."""
    rules, whole, texts = [], [], {}
    for code, name in enumerate(made.names):
        mine, any_named, said = codes == code, np.zeros(len(codes), dtype=bool), []
        for rule in (one for one in made.rules if one.code == code):
            named = made.named(rows, rule)
            any_named |= named
            said.append(rule_text(rule.bounds))
            rules.append((name, _start(said[-1]), *_counts(named, mine)))
        if len(made.names) == 1:
            any_named[:], said = True, [rule_text({})]
        texts[name] = _start("; or ".join(said)) or _NO_RULE
        whole.append((name, texts[name], *_counts(any_named, mine)))
    return _measured(rules), _measured(whole), texts


def _start(text: str) -> str:
    return text[:1].upper() + text[1:]


def _counts(named: np.ndarray, mine: np.ndarray) -> tuple[int, int, int]:
    return int(named.sum()), int((named & mine).sum()), int(mine.sum())


def _measured(rows: list[tuple[str, str, int, int, int]]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["segment", "rule", "customers_count", "right", "size"])
    for what, of in (("precision", "customers_count"), ("recall", "size")):
        shares = proportions(table["right"].astype(float), table[of].astype(float)).drop(columns="n")
        table[[f"{what}_{name}" for name in shares.columns]] = shares.to_numpy()
    return table.drop(columns=["right", "size"])


def _refuse(frame: pd.DataFrame, segments: pd.Series, columns: Sequence[Column], leaves: int | None) -> None:
    refuse(
        *(["rules: there are no columns to ask about. Give one or more."] if not len(columns) else []),
        *lacking(frame, columns),
        *([f"leaves: {leaves} leaves part nothing. Give 2 or more."] if leaves is not None and leaves < 2 else []),
        *(
            ["rules: customers are named twice in the index. Give one row a customer."]
            if frame.index.has_duplicates or segments.index.has_duplicates
            else []
        ),
    )
