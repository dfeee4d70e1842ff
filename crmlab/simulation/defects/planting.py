"""Plant a choice of defects, and keep what was planted with the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from crmlab.errors import CrmlabError
from crmlab.simulation.clock import MARKET_BLOCK, generator
from crmlab.simulation.defects.catalogue import DEFECTS, chosen, wants_all
from crmlab.simulation.defects.exports import plant_dates, plant_orphans, plant_stale, plant_units
from crmlab.simulation.defects.files import Planting
from crmlab.simulation.defects.people import plant_drift, plant_duplicates, plant_leak, plant_tests
from crmlab.simulation.defects.studies import plant_imbalance, plant_scale

__all__ = ["plant"]

_PLANTS: dict[str, Callable[[Planting], list[dict]]] = {
    "tests": plant_tests,
    "duplicates": plant_duplicates,
    "drift": plant_drift,
    "leak": plant_leak,
    "units": plant_units,
    "imbalance": plant_imbalance,
    "scale": plant_scale,
    "orphans": plant_orphans,
    "stale": plant_stale,
    "dates": plant_dates,
}
_PLANTED = "planted.yml"


def plant(folder: Path, names: str | Iterable[str], *, seed: int, months: int) -> dict[str, list[dict]]:
    """Plant defects into the tables of a simulated bank and write ``planted.yml`` into its folder of the truth.

    Parameters
    ----------
    folder : Path
        Tables as `crmlab.simulation.simulate` wrote them; they are rewritten in place, with the same bytes for the same
        tables, names and seed. ``bank.yml``, if there is one, is not touched: its stamp no longer fits.
    names : str or iterable of str
        Defects, see `crmlab.simulation.defects.DEFECTS`; ``all`` for every one.
    seed : int
        Seed of the bank.
    months : int
        Months of the bank.

    Returns
    -------
    dict of str to list of dict
        For each defect what was done: ``table``, ``column`` or ``columns``, ``rows``, and ``from`` (first day)
        where it begins on a day. Of ``all``, what a bank is too small or too short for says ``not_planted`` and why.
    """
    done: dict[str, list[dict]] = {}
    problems: list[str] = []
    for name in chosen(names):
        rng = generator(seed, MARKET_BLOCK, list(DEFECTS).index(name), "defects")
        bank = Planting(folder, rng, months)
        try:
            done[name] = _PLANTS[name](bank)
        except CrmlabError as refusal:
            if wants_all(names):
                done[name] = [{"not_planted": refusal.problems[0]}]
            else:
                problems += refusal.problems
        finally:
            bank.engine.close()
    if problems:
        raise CrmlabError(problems)
    if done:
        truth = folder / "truth"
        truth.mkdir(exist_ok=True)
        text = yaml.safe_dump(done, sort_keys=False, allow_unicode=True)
        (truth / _PLANTED).write_text(text, encoding="utf-8")
    return done
