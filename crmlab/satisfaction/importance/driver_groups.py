"""For whom drivers work: the paths to a target by groups, compared only where the groups understand the items alike."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from crmlab.errors import nearest, refuse
from crmlab.satisfaction.indices.index import SatisfactionIndex
from crmlab.satisfaction.indices.index_interval import METHOD
from crmlab.satisfaction.measurement.invariance import Comparison, compare_groups
from crmlab.satisfaction.measurement.measured import Measured, measured
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.measurement.told_apart import ToldApart
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.survey.groups import GROUPS, NOT_KNOWN
from crmlab.stats import Estimate, Evidence
from crmlab.stats.differences import holm

__all__ = ["FEWEST_RESPONSES", "MOST_GROUPS", "DriverGroups", "driver_groups", "groups_in"]

FEWEST_RESPONSES = 100
MOST_GROUPS = 3
_RESAMPLES = 300
_SPAN = re.compile(r"(\d+) to (\d+)( years)?")


@dataclass(frozen=True)
class DriverGroups:
    """Paths and indices by groups.

    Parameters
    ----------
    by : str
        What the groups are by.
    paths : Evidence
        ``frame``, one row a cause of the target and group: ``cause`` (title), ``group``, ``coefficient`` (standard
        deviations, plain), ``low``, ``high``, ``n``. ``estimates``: ``paths_compared``, ``paths_different`` (counts).
    levels : DataFrame
        One row a group: ``group``, one column a cause, and the target, by title (Estimate, index 0 to 100), ``n``.
    lowest : str
        Group in which the first driver is lowest, if it is so beyond chance; else empty.
    strongest : str
        Group in which the path of the first driver to the target is larger than in another beyond chance; else empty.
    comparison : Comparison
        MICOM and permutation.
    said : str
        Which groups were joined or left out.
    """

    by: str
    paths: Evidence
    levels: pd.DataFrame
    lowest: str
    strongest: str
    comparison: Comparison
    said: str

    @property
    def differences(self) -> str:
        """Paths that differ beyond chance, in words."""
        rows = self.comparison.paths[self.comparison.paths["is_different"]]
        return "; ".join(
            f"{lowered(row.cause_title)} on {lowered(row.effect_title)} {row.coefficient_first:.2f} in {row.first} and "
            f"{row.coefficient_second:.2f} in {row.second}"
            for row in rows.itertuples()
        )


def groups_in(groups: pd.Series, *, fewest: int = FEWEST_RESPONSES, most: int = MOST_GROUPS) -> tuple[pd.Series, str]:
    """Make few groups that are large enough to be compared.

    Parameters
    ----------
    groups : Series of str or ordered category
        Group of each response; ``not known`` and gaps are left out.
    fewest : int
        Responses that a group must have.
    most : int
        Groups that are kept.

    Returns
    -------
    tuple of (Series of category, str)
        The group of each response, NaN where it is left out, categories in order; and what was done, in sentences.

    Notes
    -----
    Of an ordered category, neighbours are joined, the smallest sum first, until no group is too small and there are no
    more than `most`. Of others the largest are kept; those too small, or too many, are left out.

    Examples
    --------
    >>> ages = pd.Series(pd.Categorical(["young"] * 2 + ["middle"] * 5 + ["old"] * 4, ["young", "middle", "old"],
    ...                                 ordered=True))
    >>> found, said = groups_in(ages, fewest=3)
    >>> found.value_counts(sort=False).to_dict(), said
    ({'young to middle': 7, 'old': 4}, 'Joined: young to middle.')
    """
    is_ordered = isinstance(groups.dtype, pd.CategoricalDtype) and groups.cat.ordered
    names = list(groups.cat.categories) if is_ordered else sorted(groups.dropna().astype(str).unique())
    text = groups.astype("str").where(groups.notna())
    counts = {str(name): int((text == str(name)).sum()) for name in names if str(name) != NOT_KNOWN}
    counts = {name: count for name, count in counts.items() if count}
    unknown = len(groups) - sum(counts.values())
    said = [f"{unknown:,} responses have no known group."] if unknown else []
    parts = [[name] for name in counts]
    if is_ordered:
        while len(parts) > 1 and (len(parts) > most or min(_size(part, counts) for part in parts) < fewest):
            sizes = [_size(one + other, counts) for one, other in itertools.pairwise(parts)]
            small = [_size(part, counts) < fewest for part in parts]
            free = [i for i in range(len(sizes)) if small[i] or small[i + 1]] or list(range(len(sizes)))
            place = min(free, key=lambda i: sizes[i])
            parts[place : place + 2] = [parts[place] + parts[place + 1]]
        joined = [_joined(part) for part in parts if len(part) > 1]
        said += [f"Joined: {'; '.join(joined)}."] if joined else []
    kept = sorted((part for part in parts if _size(part, counts) >= fewest), key=lambda part: -_size(part, counts))
    kept = kept[:most]
    left = [part for part in parts if part not in kept]
    if left:
        many = sum(_size(part, counts) for part in left)
        said.append(
            f"{len(left)} {'group' if len(left) == 1 else 'groups'} with {many:,} responses left out: under "
            f"{fewest} responses, or more than the {most} largest."
        )
    new = {name: _joined(part) for part in parts if part in kept for name in part}
    named = pd.Categorical(text.map(new), [_joined(part) for part in parts if part in kept], ordered=is_ordered)
    return pd.Series(named, index=groups.index), " ".join(said)


def _size(part: list[str], counts: dict[str, int]) -> int:
    return sum(counts[name] for name in part)


def _joined(part: list[str]) -> str:
    """Name neighbours by what they span.

    >>> _joined(["30 to 44", "45 to 59"]), _joined(["under 30", "30 to 44"]), _joined(["60 to 74", "75 and over"])
    ('30 to 59', 'up to 44', '60 and over')
    >>> _joined(["1 lowest", "2", "3"])
    '1 lowest to 3'
    """
    if len(part) == 1:
        return part[0]
    first, last = (_SPAN.fullmatch(name) for name in (part[0], part[-1]))
    if first and last:
        low, high = int(first[1]), int(last[2])
        return f"{low:d} to {high:d} years" if last[3] else f"{low:d} to {high:d}"
    if last and part[0].startswith("under "):
        high = int(last[2])
        return f"up to {high:d} years" if last[3] else f"up to {high:d}"
    if first and part[-1].endswith(" and over"):
        low = int(first[1])
        return f"{low:d} years and over" if first[3] else f"{low:d} and over"
    return f"{part[0]} to {part[-1]}"


def driver_groups(
    study: Study,
    judged: ToldApart,
    index: SatisfactionIndex,
    *,
    target: str,
    by: str = "",
    first: str = "",
    permutations: int = 500,
    seed: int = 1,
) -> DriverGroups:
    """Compare the paths to a target between groups, and the standing of its causes at the judged wave.

    Parameters
    ----------
    study : Study
        With groups.
    judged : ToldApart
        Gives the model and the responses that effects are taken from.
    index : SatisfactionIndex
        Of its constructs.
    target : str
        Its construct to be raised.
    by : str
        One of `Study.groups`; empty: the first of them with two groups that are large enough.
    first : str
        Driver that comes first, to say where it is lowest.
    permutations, seed : int
        Of the comparison.

    Raises
    ------
    CrmlabError
        The bank does not have the group, or fewer than two groups are large enough.

    Notes
    -----
    Measured on 30 simulated banks of 1,500 customers, whose paths are the same for everybody: none of them showed a
    difference between groups by age (at most 5 % should). In 15 a few of the 18 comparisons were not allowed, because
    step 2 of MICOM is made for every latent variable and pair at 5 %, uncorrected.
    """
    frame = judged.frame[judged.frame["weight"] > 0]
    by = by or next((name for name in study.groups if len(groups_in(frame[name])[0].cat.categories) > 1), GROUPS[0])
    if by not in study.groups:
        refuse(f"groups: this bank has no {by!r}.{nearest(by, study.groups)} Known: {list(study.groups)}.")
    grouped, said = groups_in(frame[by])
    frame = frame.assign(**{by: grouped}).dropna(subset=[by])
    names = list(grouped.cat.categories)
    if len(names) < 2:
        refuse(
            f"groups: {by} has {len(names)} group of {FEWEST_RESPONSES} or more responses. Ask more customers, or "
            "compare other groups."
        )
    known = {"weights": "weight", "clusters": "customer_id", "seed": seed}
    model = judged.model
    compared = compare_groups(frame, model, by=by, effects=[target], permutations=permutations, **known)
    found = {name: measured(frame[frame[by] == name], model, resamples=_RESAMPLES, **known) for name in names}
    now = study.now[study.now["weight"] > 0]
    new = dict(zip(judged.frame.loc[grouped.index, by].astype("str"), grouped.astype("str"), strict=True))
    now = now.assign(**{by: pd.Categorical(now[by].astype("str").map(new), names)}).dropna(subset=[by])
    allowed = int(compared.paths["may_be_compared"].sum())
    different = int(compared.paths["is_different"].sum())
    estimates = {
        "paths_compared": Estimate(float(allowed), "count", n=len(frame), method="MICOM"),
        "paths_different": Estimate(float(different), "count", n=len(frame), method="permutation, Holm"),
    }
    about = (
        f"Paths to {lowered(model.title(target))} in standard deviations, plain; 95 % bootstrap intervals, "
        f"{_RESAMPLES} resamples; n = {len(frame):,}"
    )
    evidence = Evidence(_path_rows(found, target), _title(allowed, different), about, compared.reading, estimates)
    lowest = _lowest(now, index, by, first) if first else ""
    shown = [*model.paths[target], target]
    return DriverGroups(
        by, evidence, _levels(now, index, by, shown), lowest, _strongest(compared, first), compared, said
    )


def _path_rows(found: dict[str, Measured], target: str) -> pd.DataFrame:
    rows = []
    for group, one in found.items():
        model = one.solution.model
        aim = model.constructs.index(target)
        causes = [model.constructs.index(name) for name in model.paths[target]]
        low, high = one.limits(one.solutions.paths[:, causes, aim])
        rows.append(pd.DataFrame({
            "cause": [one.model.title(name) for name in model.paths[target]], "group": group,
            "coefficient": one.solution.paths[causes, aim], "low": low, "high": high, "n": one.n,
        }))  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def _levels(now: pd.DataFrame, index: SatisfactionIndex, by: str, shown: list[str]) -> pd.DataFrame:
    """Index of some constructs by group, in the order of the groups."""
    table = index.index(now, by=by, weights="weight", clusters="customer_id")
    table = table[table["latent"].isin(shown)]
    rows = []
    for group in now[by].cat.categories:
        part = table[table[by] == group]
        values = {
            row["title"]: Estimate(row["index"], "index", row["index_low"], row["index_high"], row["n"], METHOD)
            for row in part.to_dict("records")
        }
        rows.append({"group": str(group)} | values | {"n": int(part["n"].max())})
    return pd.DataFrame(rows)


def _lowest(now: pd.DataFrame, index: SatisfactionIndex, by: str, first: str) -> str:
    """Name the group whose index of a driver is lowest, if it is below that of all others together beyond chance."""
    values, p_values = {}, []
    for group in now[by].cat.categories:
        inside = np.where(now[by] == group, "inside", "others")
        table = index.index(now.assign(_side=inside), by="_side", weights="weight", clusters="customer_id")
        table = table[table["latent"] == first].set_index("_side")
        values[group] = float(table.at["inside", "index"])
        error = np.hypot(*((table["index_high"] - table["index_low"]) / (2 * norm.ppf(0.975))).to_numpy(dtype=float))
        gap = values[group] - float(table.at["others", "index"])
        p_values.append(2 * float(norm.sf(abs(gap) / error)) if error > 0 else 1.0)
    corrected = holm(np.array(p_values))
    group = min(values, key=values.__getitem__)
    return group if corrected[list(values).index(group)] <= 0.05 else ""


def _strongest(compared: Comparison, first: str) -> str:
    rows = compared.paths[compared.paths["is_different"] & (compared.paths["cause"] == first)]
    if rows.empty:
        return ""
    row = rows.loc[rows["difference"].abs().idxmax()]
    return str(row["second"] if row["difference"] > 0 else row["first"])


def _title(allowed: int, different: int) -> str:
    if not allowed:
        return "The groups do not understand the items alike: no path is compared"
    if not different:
        return f"None of {allowed} comparisons of paths shows a difference beyond chance"
    return f"{different} of {allowed} comparisons of paths differ beyond chance"
