"""What acts on what, for a page: path coefficients, explained shares, and direct, indirect and total effects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np
import pandas as pd

from crmlab.satisfaction.measurement.measured import Measured
from crmlab.satisfaction.measurement.merging import lowered
from crmlab.satisfaction.measurement.told_apart import ToldApart
from crmlab.satisfaction.path_models.structural import inner_vif
from crmlab.stats import Estimate, Evidence

__all__ = ["HIGH_VIF", "effects_on", "effects_table", "number_name", "paths_between", "paths_table"]

HIGH_VIF = 5.0  # from here on effects of causes can hardly be told apart (Hair et al. 2019)
_LONGEST = 60


def number_name(*words: str) -> str:
    """Join words to the name of a number, shortened where a page would refuse it.

    >>> number_name("value", "to", "satisfaction")
    'value_to_satisfaction'
    >>> len(number_name(*["handling_efficiency"] * 4))
    60
    """
    name = "_".join(words)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 9]}_{crc32(name.encode()):08x}"


def paths_between(judged: ToldApart) -> Evidence:
    """Give every path coefficient with its interval, freed of error and plain, and how much is explained.

    Parameters
    ----------
    judged : ToldApart
        The model whose effects may be read.

    Returns
    -------
    Evidence
        ``frame``, one row a path: ``cause``, ``effect`` (titles), ``coefficient`` (standard deviations, freed of
        error), ``low``, ``high``, ``is_clear`` (the interval leaves 0 out), ``plain``, ``plain_low``, ``plain_high``
        (by partial least squares), ``vif``, ``n``. ``estimates``: ``<cause>_to_<effect>`` and ``r2_<effect>``.

    Notes
    -----
    The effects freed of error are the headline: on the simulated bank they hold the planted paths, the plain ones do
    not (see `crmlab.satisfaction.measurement.measured.freed_of_error`).
    """
    found, model = judged.found, judged.found.solution.model
    place = {name: number for number, name in enumerate(model.constructs)}
    causes, effects = ([place[arrow[side]] for arrow in model.arrows] for side in (0, 1))
    table = {
        "cause": [found.model.title(cause) for cause, _ in model.arrows],
        "effect": [found.model.title(effect) for _, effect in model.arrows],
    }
    for name, one in (("coefficient", found), ("plain", judged.plain)):
        low, high = one.limits(one.solutions.paths[:, causes, effects])
        start = "" if name == "coefficient" else f"{name}_"
        table |= {name: one.solution.paths[causes, effects], f"{start}low": low, f"{start}high": high}
    table["vif"] = inner_vif(found.solution.latent_correlation, model)[causes, effects]
    frame = pd.DataFrame(table).assign(n=found.n)
    frame["is_clear"] = (frame["low"] > 0) | (frame["high"] < 0)
    estimates = {
        number_name(cause, "to", effect): _estimate(found, row["coefficient"], row["low"], row["high"], "")
        for (cause, effect), row in zip(model.arrows, frame.to_dict("records"), strict=True)
    } | _explained(found)
    return Evidence(frame, _title(frame), _about(found), _reading(frame, estimates, found), estimates)


def effects_on(judged: ToldApart, targets: Sequence[str]) -> pd.DataFrame:
    """Give direct, indirect and total effects of every driver on some targets, for a table.

    Parameters
    ----------
    judged : ToldApart
        The model whose effects may be read.
    targets : sequence of str
        Constructs of its model.

    Returns
    -------
    DataFrame
        One row a driver and target, the strongest first: ``target``, ``driver`` (titles), ``direct``, ``indirect``,
        ``total`` (Estimates in standard deviations; ``direct`` is empty where there is no path).
    """
    found, model = judged.found, judged.found.solution.model
    rows = []
    for target in targets:
        aim = model.constructs.index(target)
        for number, name in enumerate(model.constructs):
            if found.solution.total[number, aim] == 0:
                continue
            row = {"target": found.model.title(target), "driver": found.model.title(name)}
            for kind, what in (("paths", "direct"), ("indirect", "indirect"), ("total", "total")):
                values, draws = (getattr(one, kind)[..., number, aim] for one in (found.solution, found.solutions))
                low, high = found.limits(draws)
                is_there = kind == "total" or bool(np.any(draws != 0))
                row[what] = _estimate(found, values, low, high, "") if is_there else None
            rows.append(row)
    rows.sort(key=lambda row: (row["target"], -row["total"].value))
    return pd.DataFrame(rows, columns=["target", "driver", "direct", "indirect", "total"])


def effects_table(judged: ToldApart, outcomes: Sequence[str]) -> pd.DataFrame:
    """Give direct, indirect and total effects on the first outcome, and total ones on the others, a row a driver."""
    rows = effects_on(judged, outcomes)
    titles = [judged.model.title(name) for name in outcomes]
    table = rows[rows["target"] == titles[0]].drop(columns="target").set_index("driver")
    for title in titles[1:]:
        table = table.join(
            rows[rows["target"] == title].set_index("driver")["total"].rename(f"Total on {lowered(title)}")
        )
    return table.reset_index()


def paths_table(shown: Evidence, first: str = "") -> pd.DataFrame:
    """Give the paths for a table, those to the construct titled `first` at the top: freed of error and plain."""
    shown = replace(shown, frame=shown.frame.sort_values("effect", key=lambda to: to != first, kind="stable"))
    frame = shown.frame[["cause", "effect"]].reset_index(drop=True)
    for name, start in (("freed", ""), ("plain", "plain_")):
        columns = ["coefficient" if name == "freed" else "plain", f"{start}low", f"{start}high"]
        values = shown.frame[columns].to_numpy(dtype=float)
        frame[name] = [Estimate(value, "", low, high) for value, low, high in values]
    frame["VIF"], frame["n"] = shown.frame["vif"].to_numpy(), shown.frame["n"].to_numpy()
    return frame


def _estimate(found: Measured, value: float, low: float, high: float, unit: str) -> Estimate:
    return Estimate(float(value), unit, float(low), float(high), found.n, found.method, found.level)


def _explained(found: Measured) -> dict[str, Estimate]:
    model, result = found.solution.model, {}
    for name in model.effects:
        number = model.constructs.index(name)
        low, high = found.limits(found.solutions.r2[:, number])
        result[number_name("r2", name)] = _estimate(found, found.solution.r2[number], low, high, "share")
    return result


def _title(frame: pd.DataFrame) -> str:
    clear = int(frame["is_clear"].sum())
    each = f"All {len(frame)} paths" if clear == len(frame) else f"{clear} of {len(frame)} paths"
    return f"{each} differ from 0 beyond chance"


def _about(found: Measured) -> str:
    return (
        "Path coefficients in standard deviations, freed of the errors of the items; "
        f"{100 * found.level:g} % bootstrap intervals, n = {found.n:,}"
    )


def _reading(frame: pd.DataFrame, estimates: dict[str, Estimate], found: Measured) -> str:
    top = frame.loc[frame["coefficient"].idxmax()]
    said = (
        f"The strongest path is from {lowered(top['cause'])} to {lowered(top['effect'])}: {top['coefficient']:.2f} "
        f"({top['low']:.2f} to {top['high']:.2f}); without freeing it of the errors of the items it would read "
        f"{top['plain']:.2f}."
    )
    explained = [
        f"{found.model.title(name).lower() if place else found.model.title(name)} {estimates[key].short}"
        for place, (key, name) in enumerate(
            (number_name("r2", name), name) for name in reversed(found.solution.model.effects)
        )
    ]
    said += f" Explained share of variance (R2): {', '.join(explained)}."
    high = float(frame["vif"].max())
    if high >= HIGH_VIF:
        said += f" Causes overlap much (largest VIF {high:.1f}): effects of single ones are uncertain."
    else:
        said += f" Causes overlap little enough to be told apart (largest VIF {high:.1f}, limit {HIGH_VIF:g})."
    return said
