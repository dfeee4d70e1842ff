"""Definitions of leaving, each with its parameters: closing, silent, loss of value, or the label of a flat file."""

from __future__ import annotations

from dataclasses import dataclass

from crmlab.bank.tables import FAMILIES
from crmlab.errors import CrmlabError, nearest, refuse

__all__ = ["DEFINITIONS", "SIGNS", "Closing", "Definition", "FileLabel", "Silent", "ValueLoss", "read_definition"]

SIGNS = ("balance", "activity", "salary", "idle")


@dataclass(frozen=True)
class Closing:
    """The customer ends the relation, or closes all accounts of chosen families.

    Parameters
    ----------
    families : tuple of str
        Product families, such as ``("savings",)``: leaving is to close every account held in them. Empty: the whole
        relation.
    outcome_months, gap_months : int
        Window in which the event counts, and months before it that the bank needs to act, as in
        `crmlab.snapshots.outcome_window`.
    dormant_months : int or None
        Who initiated no booking for so many months before the date had gone before: counted apart. None keeps them.
    """

    families: tuple[str, ...] = ()
    outcome_months: int = 3
    gap_months: int = 1
    dormant_months: int | None = 12

    def __post_init__(self) -> None:
        wrong = [name for name in self.families if name not in FAMILIES]
        refuse(
            *(f"closing has no family {name!r}.{nearest(name, FAMILIES)} It knows {list(FAMILIES)}." for name in wrong),
            *_months("closing", self, {"outcome_months": 1, "gap_months": 0, "dormant_months": 1}),
        )

    @property
    def name(self) -> str:
        """Short name, as a parameter would say it."""
        return f"closing: {', '.join(self.families)}" if self.families else "closing"

    @property
    def words(self) -> str:
        """What counts, in a sentence's middle."""
        if not self.families:
            return "the customer ends the relation"
        return f"the customer closes all accounts of {_listed(self.families)}"

    @property
    def verb(self) -> str:
        """What such customers do, after "customers"."""
        return f"close {_listed(self.families)}" if self.families else "leave"


@dataclass(frozen=True)
class Silent:
    """Balance and activity fade and do not come back; the account stays.

    Parameters
    ----------
    fall_share : float
        How far the last 3 months of the window must lie below the months before the date: .7 is a fall by 70 %.
    baseline_months : int
        Months before the date they are compared with, 6 to 12.
    signs : tuple of str
        Which must all show: ``balance`` (mean assets fall), ``activity`` (bookings the customer initiates fall),
        ``salary`` (a salary came before and stops), ``idle`` (no booking the customer initiates for `idle_days`).
    idle_days : int
        Days without a booking the customer initiates up to the end of the window, for sign ``idle``.
    outcome_months, gap_months, dormant_months : int
        As in `Closing`.
    """

    fall_share: float = 0.7
    baseline_months: int = 12
    signs: tuple[str, ...] = ("balance", "activity")
    idle_days: int = 90
    outcome_months: int = 6
    gap_months: int = 1
    dormant_months: int | None = 3

    def __post_init__(self) -> None:
        refuse(
            *_share("silent", self.fall_share),
            *(f"silent has no sign {name!r}.{nearest(name, SIGNS)} It knows {list(SIGNS)}." for name in self.signs
              if name not in SIGNS),
            *([] if self.signs else [f"silent has no sign. Name at least one of {list(SIGNS)}."]),
            *_months("silent", self, {"outcome_months": 3, "gap_months": 0, "dormant_months": 1, "baseline_months": 3,
                                      "idle_days": 1}),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Short name, as a parameter would say it."""
        return "silent"

    @property
    def words(self) -> str:
        """What counts, in a sentence's middle."""
        told = {
            "balance": "balance",
            "activity": "activity",
            "salary": "salary credit",
            "idle": f"{self.idle_days} days without a booking",
        }
        falls = [told[sign] for sign in self.signs if sign in ("balance", "activity")]
        parts = [f"{' and '.join(falls)} fall by {100 * self.fall_share:.0f} % and do not come back"] if falls else []
        parts += ["the salary stops"] if "salary" in self.signs else []
        parts += [f"no booking for {self.idle_days} days"] if "idle" in self.signs else []
        return ", ".join(parts)

    @property
    def verb(self) -> str:
        """What such customers do, after "customers"."""
        return "fall silent"


@dataclass(frozen=True)
class ValueLoss:
    """What the customer yields, or keeps with the bank, falls and stays low.

    Parameters
    ----------
    measure : str
        ``margin`` (a month's margin and fees) or ``assets``.
    fall_share : float
        How far the last 3 months of the window lie below the months before the date.
    baseline_months, outcome_months, gap_months, dormant_months
        As in `Silent`.
    """

    measure: str = "margin"
    fall_share: float = 0.5
    baseline_months: int = 12
    outcome_months: int = 6
    gap_months: int = 1
    dormant_months: int | None = 3

    def __post_init__(self) -> None:
        refuse(
            *([] if self.measure in ("margin", "assets") else [
                f"value_loss has no measure {self.measure!r}. It knows ['margin', 'assets']."]),
            *_share("value_loss", self.fall_share),
            *_months("value_loss", self, {"outcome_months": 3, "gap_months": 0, "dormant_months": 1,
                                          "baseline_months": 3}),
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Short name, as a parameter would say it."""
        return "value_loss"

    @property
    def words(self) -> str:
        """What counts, in a sentence's middle."""
        return f"{self.measure} falls by {100 * self.fall_share:.0f} % and stays low"

    @property
    def verb(self) -> str:
        """What such customers do, after "customers"."""
        return f"lose {100 * self.fall_share:.0f} % of their {self.measure}"


@dataclass(frozen=True)
class FileLabel:
    """The label that a flat file brings; what it means only the file's owner knows.

    Parameters
    ----------
    meaning : str
        What the label says of customers, after "customers", such as ``have subscribed``.
    """

    meaning: str = "have left"
    outcome_months: int = 0
    gap_months: int = 0

    @property
    def name(self) -> str:
        """Short name."""
        return "label of the file"

    @property
    def words(self) -> str:
        """What counts, in a sentence's middle."""
        return "the file says so (column churned); nothing else is known of how it was made"

    @property
    def verb(self) -> str:
        """What such customers do, after "customers"."""
        return self.meaning


Definition = Closing | Silent | ValueLoss | FileLabel
DEFINITIONS = {"closing": Closing, "silent": Silent, "value_loss": ValueLoss}


def read_definition(text: str, *, outcome_months: int = 0, gap_months: int = 1) -> Closing | Silent | ValueLoss:
    """Read a definition from a parameter of a notebook.

    Parameters
    ----------
    text : str
        ``closing``, ``closing: savings, investment``, ``silent`` or ``value_loss``.
    outcome_months, gap_months : int
        Of the window; 0 outcome months takes the definition's own.

    Examples
    --------
    >>> read_definition("closing: savings", outcome_months=6)
    Closing(families=('savings',), outcome_months=6, gap_months=1, dormant_months=12)
    >>> read_definition("closing").words
    'the customer ends the relation'
    """
    name, _, rest = (part.strip() for part in str(text).partition(":"))
    if name not in DEFINITIONS:
        raise CrmlabError([f"definition has no {name!r}.{nearest(name, DEFINITIONS)} It knows {list(DEFINITIONS)}."])
    families = tuple(one.strip() for one in rest.split(",") if one.strip())
    if families and name != "closing":
        raise CrmlabError([f"definition {name!r} takes no families. Leave out {', '.join(families)}."])
    known = {"gap_months": gap_months} | ({"outcome_months": outcome_months} if outcome_months else {})
    return Closing(families, **known) if name == "closing" else DEFINITIONS[name](**known)


def _listed(names: tuple[str, ...]) -> str:
    words = [name.replace("_", " ") for name in names]
    return words[0] if len(words) == 1 else " and ".join([", ".join(words[:-1]), words[-1]])


def _share(what: str, share: float) -> list[str]:
    return [] if 0 < share < 1 else [f"{what}: fall_share is {share}. Give a share above 0 and below 1, such as 0.7."]


def _months(what: str, definition: object, least: dict[str, int]) -> list[str]:
    found = []
    for name, low in least.items():
        value = getattr(definition, name)
        if value is None and name == "dormant_months":
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            found.append(f"{what}: {name} is {value!r}. Give a whole number, {low} or more.")
    return found
