"""Who sells: a team in every branch and one for remote channels, with employees who work differently well."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa

from crmlab.simulation.clock import MARKET_BLOCK, generator
from crmlab.simulation.places import DISTRICT_SHARE

__all__ = ["Salesforce", "employee_ids", "hire"]

_SIZE = np.concatenate([[6], np.clip(np.ceil(25 * DISTRICT_SHARE), 1, 4).astype(np.int64)])  # remote team, branches
_FIRST = np.cumsum(_SIZE) - _SIZE
_TEAM = np.repeat(np.arange(len(_SIZE)), _SIZE)
_IDS = pa.array([f"S{team:02d}{at - _FIRST[team] + 1:02d}" for at, team in enumerate(_TEAM)])
_SPREAD = {"persuasion": 0.40, "pace": 0.30, "scrutiny": 0.60, "eagerness": 0.50}  # standard deviations (assumed)


@dataclass(frozen=True)
class Salesforce:
    """The employees of a bank, team by team; team 0 is the remote one, team d + 1 the branch of district d.

    `persuasion` adds to the log chance that the customer wants the product, `pace` is the factor on the days a stage
    takes, `scrutiny` adds to the log odds of dropping a lead without a wish at once, `eagerness` is the factor on leads
    noted without being asked, `neglect` the share of leads that are entered and forgotten.
    """

    first: np.ndarray
    size: np.ndarray
    persuasion: np.ndarray
    pace: np.ndarray
    scrutiny: np.ndarray
    eagerness: np.ndarray
    neglect: np.ndarray

    def adviser(self, customers: np.ndarray, districts: np.ndarray) -> np.ndarray:
        """Return the employee in the branch who looks after each customer, always the same one."""
        return self.first[districts + 1] + customers % self.size[districts + 1]

    def remote(self, u: np.ndarray) -> np.ndarray:
        """Return an employee of the remote team for each number from 0 to 1."""
        return self.first[0] + (u * self.size[0]).astype(np.int64)


@lru_cache(maxsize=8)
def hire(seed: int) -> Salesforce:
    """Draw the employees of a bank; one to four a branch, more where more people live.

    Examples
    --------
    >>> force = hire(1)
    >>> len(force.pace) == int(force.size.sum()), int(force.size.min()), int(force.size.max())
    (True, 1, 6)
    """
    rng = generator(seed, MARKET_BLOCK, -1, "opportunities")
    total = len(_TEAM)
    z = {name: spread * rng.standard_normal(total) for name, spread in _SPREAD.items()}
    return Salesforce(
        first=_FIRST,
        size=_SIZE,
        persuasion=z["persuasion"],
        pace=np.exp(z["pace"]),
        scrutiny=z["scrutiny"],
        eagerness=np.exp(z["eagerness"] - _SPREAD["eagerness"] ** 2 / 2),
        neglect=rng.beta(1.2, 9.0, total),
    )


def employee_ids(positions: np.ndarray) -> pa.Array:
    """Build codes of employees: team and number.

    >>> employee_ids(np.array([0, 6])).to_pylist()
    ['S0001', 'S0101']
    """
    return _IDS.take(pa.array(positions, pa.int64()))
