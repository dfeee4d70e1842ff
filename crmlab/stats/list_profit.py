"""What a list earns, judged by a randomised trial on customers that its model did not see."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import refuse
from crmlab.stats.differences import holm
from crmlab.stats.effect_curves import mean_effect
from crmlab.stats.estimate import Estimate
from crmlab.stats.targeting import LISTS, list_rankings

__all__ = ["ListComparison", "compare_lists", "list_length"]

_STEPS = 20  # lengths tried, as shares of the longest list
_NEEDS = ("score", "fold", "value_amount", "cost_amount")


@dataclass(frozen=True)
class ListComparison:
    """Profits of lists beside each other.

    Parameters
    ----------
    frame : DataFrame
        One row a list, the best first: ``list``, ``name``, ``length_share`` (of all customers of the trial),
        ``profit``, ``profit_low``, ``profit_high`` (money a customer of the trial), ``p_value`` (profit is not 0,
        corrected over lists), ``against``, ``against_low``, ``against_high``, ``against_p`` (profit less that of the
        reference, paired, corrected), ``top_effect``, ``top_effect_low``, ``top_effect_high`` (effect in the tenth
        ranked first), ``flag`` (why not to use the list; "" for none).
    picked : str
        The list to use: the largest profit among those without a flag; ``nobody`` where all have one.
    reference : str
        The list that the others are compared with.
    lengths : dict of str to float
        Length of each list learned on the whole trial, for customers outside it.
    reading : str
        One or two sentences.
    """

    frame: pd.DataFrame
    picked: str
    reference: str
    lengths: dict[str, float] = field(default_factory=dict)
    reading: str = ""

    def profit(self, name: str, unit: str = "") -> Estimate:
        """Profit of a list, money a customer of the trial."""
        row = self.frame.set_index("list").loc[name]
        return Estimate(float(row["profit"]), unit, float(row["profit_low"]), float(row["profit_high"]),
                        int(row["customers_count"]), "doubly robust scores")  # fmt: skip


def list_length(ranking: object, net: object, *, longest: float = 1.0) -> float:
    """Find how long a list should be by what treating its top earned in a trial.

    Parameters
    ----------
    ranking : array-like of float
        Higher for who comes first.
    net : array-like of float
        Effect score x value - cost, money.
    longest : float
        Longest list allowed, share of all customers.

    Returns
    -------
    float
        Share, 0 where no length earned more than its standard error; the shortest of equals.

    Notes
    -----
    The length whose gain less one standard error is largest: the best of some twenty lengths looks better than it is,
    and a list too long loses more than one too short. Judge it on other customers all the same.

    Examples
    --------
    >>> list_length([4, 3, 2, 1], [5.0, 3.0, -1.0, -9.0]), list_length([4, 3, 2, 1], [-5.0, -3.0, -1.0, -9.0])
    (0.5, 0.0)
    """
    values = np.asarray(net, dtype=float)
    if not len(values) or longest <= 0:
        return 0.0
    order = np.argsort(-np.asarray(ranking, dtype=float), kind="stable")
    shares = np.linspace(0, longest, _STEPS + 1)
    taken = np.floor(shares * len(values) + 1e-9).astype(int)
    earned, squared = (np.append(0.0, np.cumsum(part))[taken] for part in (values[order], values[order] ** 2))
    error = np.sqrt(np.maximum(squared - earned**2 / len(values), 0.0))
    return float(shares[int(np.argmax(earned - error))])


def compare_lists(
    trial: pd.DataFrame,
    *,
    customers: object = None,
    longest: float = 1.0,
    reference: str = "",
    unit: str = "",
    level: float = 0.95,
) -> ListComparison:
    """Judge lists by their profit in a randomised trial, each customer by models and lengths from the other folds.

    Parameters
    ----------
    trial : DataFrame
        One row a customer of the trial: ``score`` (of the effect on the wanted outcome) and ``fold`` from
        `crmlab.stats.effect_learners.cross_fitted_effects`, ``value_amount``, ``cost_amount``; ``p_churn`` and
        ``effect`` (of models that did not see the customer) for the lists that need them.
    customers : array-like, optional
        Whose row it is.
    longest : float
        Longest list allowed, share of the customers, 0 to 1 (capacity and budget).
    reference : str
        List that the others are compared with; empty: by effect x value, else by risk, else everybody.
    unit : str
        Currency.
    level : float
        Confidence level.

    Returns
    -------
    ListComparison

    Notes
    -----
    Profit = mean over all customers of 1{on the list} x (score x value - cost): unbiased, as the scores are, for the
    list as drawn up; normal law, clustered by customer. Lists with no end of their own get a length learned in the
    other folds (`list_length`); for new customers it is the mean of these, so that what is used is what was judged.
    The list by effect x value ends where its net value falls to 0. By chance: as long as the reference. A list
    carries a flag where its profit is not shown to be above 0 (two-sided, Holm over lists) or the effect in its first
    tenth is not shown to be above 0. Flagged lists are never picked. Among the others the list by effect x value is
    picked, which needs no length, unless another one is shown to earn more; then the one that does.

    References
    ----------
    Athey and Wager (2021), Policy learning with observational data, Econometrica 89; Devriendt, Berrevoets and Verbeke
    (2021), Why you should stop predicting customer churn and start using uplift models, Information Sciences 548.

    Examples
    --------
    >>> n = 4_000
    >>> rng = np.random.default_rng(1)
    >>> true = np.where(np.arange(n) % 2 == 0, 0.2, -0.1)
    >>> trial = pd.DataFrame({"score": true + 0.5 * rng.normal(size=n), "fold": np.arange(n) // 2 % 2,
    ...                       "value_amount": 100.0, "cost_amount": 5.0, "effect": true, "p_churn": rng.random(n)})
    >>> compare_lists(trial).picked in ("effect", "effect_value")
    True
    """
    _check(trial, longest)
    trial = trial.sort_index(kind="stable") if trial.index.is_unique and customers is None else trial
    net = (trial["score"] * trial["value_amount"] - trial["cost_amount"]).to_numpy(dtype=float)
    rankings = list_rankings(trial)
    if reference and reference not in (*rankings, "everybody"):
        refuse(f"compare_lists: there is no list {reference!r}. Choose one of {[*rankings, 'everybody']}.")
    reference = reference or next(
        (name for name in ("effect_value", "risk_value", "risk") if name in rankings), "everybody"
    )
    chosen = {
        name: _chosen(name, rankings[name].to_numpy(float), net, trial["fold"].to_numpy(), longest) for name in rankings
    }
    chosen["everybody"] = np.full(len(net), float(longest))
    chosen["chance"] = np.full(len(net), float(chosen[reference].mean()))
    chosen["nobody"] = np.zeros(len(net))
    whose = np.arange(len(net)) if customers is None else np.asarray(customers)
    rows = []
    for name, share in chosen.items():
        profit = mean_effect(share * net, customers=whose, unit=unit, level=level)
        against = mean_effect((share - chosen[reference]) * net, customers=whose, unit=unit, level=level)
        first = (
            _first_tenth(rankings[name].to_numpy(float), trial["fold"].to_numpy()) if name in rankings else slice(None)
        )
        top = mean_effect(trial["score"].to_numpy(float)[first], customers=whose[first], level=level)
        rows.append(
            (name, _named(name, longest), share.mean(), *_limits(profit), *_limits(against), *_limits(top), len(net))
        )
    frame = _flagged(pd.DataFrame(rows, columns=_COLUMNS), reference, level)
    lengths = {
        name: longest if name == "effect_value" else _mean_length(rankings[name], net, trial["fold"], longest)
        for name in rankings
    }
    usable = frame[(frame["flag"] == "") & ~frame["list"].isin(["nobody", "chance"])]
    picked = _picked(usable, 1 - level)
    return ListComparison(frame, picked, reference, lengths, _reading(frame, picked, unit))


_COLUMNS = [
    "list", "name", "length_share", "profit", "profit_low", "profit_high", "against", "against_low", "against_high",
    "top_effect", "top_effect_low", "top_effect_high", "customers_count",
]  # fmt: skip


def _check(trial: pd.DataFrame, longest: float) -> None:
    lacking = [name for name in _NEEDS if name not in trial]
    refuse(
        *(f"compare_lists: the trial lacks column {name!r}; it has {list(trial.columns)}." for name in lacking),
        *(
            f"compare_lists: {int(trial[name].isna().sum()):,} values of {name} are not known. "
            "Leave those customers out, and count them."
            for name in (*_NEEDS, "p_churn", "effect")
            if name in trial and trial[name].isna().any()
        ),
        *([] if 0 <= longest <= 1 else [f"compare_lists: longest is {longest}. Give a share from 0 to 1."]),
        *([] if len(trial) else ["compare_lists: the trial has no rows. Show break-even effects instead."]),
    )


def _chosen(name: str, ranking: np.ndarray, net: np.ndarray, fold: np.ndarray, longest: float) -> np.ndarray:
    """Say who is on the list: 1, or the chance where several are equal at its end."""
    share = np.zeros(len(net))
    for number in np.unique(fold):
        inside = fold == number
        own_end = name == "effect_value"
        length = longest if own_end else list_length(ranking[~inside], net[~inside], longest=longest)
        share[inside] = _top(ranking[inside], length) * ((ranking[inside] > 0) | (not own_end))
    return share


def _mean_length(ranking: pd.Series, net: np.ndarray, fold: pd.Series, longest: float) -> float:
    folds = fold.to_numpy()
    parts = [list_length(ranking.to_numpy()[folds != k], net[folds != k], longest=longest) for k in np.unique(folds)]
    return float(np.mean(parts))


def _picked(usable: pd.DataFrame, rate: float) -> str:
    """Pick the list by effect x value unless another is shown to earn more; without it the largest profit."""
    if not len(usable):
        return "nobody"
    first = usable.iloc[0]
    if "effect_value" in usable["list"].to_numpy() and not (first["against_low"] > 0 and first["against_p"] < rate):
        return "effect_value"
    return str(first["list"])


def _top(ranking: np.ndarray, length: float) -> np.ndarray:
    """Chance of each row to be in the top share; those equal at the end share the places left."""
    _, code, size = np.unique(-ranking, return_inverse=True, return_counts=True)
    before = np.cumsum(size) - size
    return np.clip((length * len(ranking) - before) / size, 0, 1)[code]


def _first_tenth(ranking: np.ndarray, fold: np.ndarray) -> np.ndarray:
    first = np.zeros(len(ranking), dtype=bool)
    for number in np.unique(fold):
        inside = np.flatnonzero(fold == number)
        order = np.argsort(-ranking[inside], kind="stable")
        first[inside[order[: max(1, len(inside) // 10)]]] = True
    return first


def _named(name: str, longest: float) -> str:
    if name == "everybody":
        return "everybody" if longest >= 1 else f"{100 * longest:.0f} % of everybody by chance"
    return {"chance": "by chance, as long", "nobody": "nobody"}.get(name) or LISTS[name]


def _limits(found: Estimate) -> tuple[float, float, float]:
    return found.value, np.nan if found.low is None else found.low, np.nan if found.high is None else found.high


def _flagged(frame: pd.DataFrame, reference: str, level: float) -> pd.DataFrame:
    """Add corrected p-values and flags, and put the largest profit first."""
    reach = norm.ppf((1 + level) / 2)
    for value, name in (("profit", "p_value"), ("against", "against_p")):
        error = (frame[f"{value}_high"] - frame[f"{value}_low"]) / (2 * reach)
        z = (frame[value] / error.where(error > 0)).abs()
        looked = ~frame["list"].isin(["nobody", "chance"] if value == "profit" else [reference])
        frame[name] = holm(np.where(looked, 2 * norm.sf(z), np.nan))
    flags = []
    for row in frame.itertuples():
        told = []
        if row.list == "nobody":
            flags.append("")
            continue
        if row.length_share == 0:
            told.append("no length of it earned anything")
        elif row.profit_high < 0:
            told.append("loses money")
        elif (not (row.profit > 0 and row.p_value < 1 - level) and row.list != "chance") or (
            row.list == "chance" and not row.profit_low > 0
        ):
            told.append("not shown to earn money")
        if not row.top_effect_low > 0:
            told.append("its first tenth is not shown to be moved" if row.list in LISTS else "effect not shown")
        flags.append("; ".join(told))
    frame = frame.assign(flag=flags)
    place = {name: number for number, name in enumerate([*LISTS, "everybody", "chance", "nobody"])}
    order = np.lexsort((frame["list"].map(place), -frame["profit"]))
    return frame.iloc[order].reset_index(drop=True)


def _reading(frame: pd.DataFrame, picked: str, unit: str) -> str:
    rows = frame.set_index("list")
    flagged = [row.name for row in frame.itertuples() if row.flag and row.list in LISTS]
    if picked == "nobody":
        return "No list is shown to earn money: call nobody by these lists, and run a larger trial."
    best = rows.loc[picked]
    money = Estimate(float(best["profit"]), unit, float(best["profit_low"]), float(best["profit_high"]))
    told = f"The list {best['name']} earns most: {money.short} a customer (95 % interval {money.interval})."
    return told + (f" Not to be used: {', '.join(flagged)}." if flagged else "")
