"""Which questionnaire a bank's survey follows: named in ``bank.yml``, or recognised by its items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmlab.bank.questionnaire import Questionnaire, known_questionnaires, read_questionnaire
from crmlab.errors import CrmlabError

if TYPE_CHECKING:
    from crmlab.bank.bank import Bank

__all__ = ["questionnaire_of", "recognised_questionnaire"]

_SHARE = 0.8  # of the items asked that a questionnaire must have to be recognised; a few may be new or misspelt


def questionnaire_of(bank: Bank, named: str = "") -> Questionnaire:
    """Return the questionnaire that a bank's survey follows.

    Parameters
    ----------
    bank : Bank
        Bank with table ``surveys``.
    named : str
        Name of a questionnaire of the project, or path of a ``.yml`` file; it goes before what the bank says.

    Returns
    -------
    Questionnaire
        The one named here, else in ``bank.yml``, else the one of the project that has the items asked.

    Raises
    ------
    CrmlabError
        The bank has no survey; the questionnaire named does not exist; none is recognised.

    Notes
    -----
    A questionnaire is recognised when it has four in five of the items asked or more; of several, the one that has most
    of them, then the one with the fewest items besides.
    """
    if not bank.has("surveys"):
        seen = f" by {bank.date}" if bank.date else ""
        raise CrmlabError(
            [f"{bank.name} has no survey{seen}: table surveys is absent or empty. Bring one; see data/README.md."]
        )
    if named or bank.questionnaire:
        return read_questionnaire(named or bank.questionnaire)
    found = recognised_questionnaire(bank)
    if found is not None:
        return found
    asked = _asked(bank)
    more = f" and {len(asked) - 5} more" if len(asked) > 5 else ""
    raise CrmlabError(
        [
            f"{bank.name} names no questionnaire, and its items {asked[:5]}{more} are not those of one that is known. "
            f"Add questionnaire: NAME to bank.yml, or the path of your own file. Known: {list(known_questionnaires())}."
        ]
    )


def recognised_questionnaire(bank: Bank) -> Questionnaire | None:
    """Return the questionnaire named in ``bank.yml``, else the one recognised by its items; None where there is none.

    Parameters
    ----------
    bank : Bank
        Any bank.
    """
    if not bank.has("surveys"):
        return None
    if bank.questionnaire:
        return read_questionnaire(bank.questionnaire)
    asked = _asked(bank)
    fitting = []
    for name in known_questionnaires():
        one = read_questionnaire(name)
        known = len({*asked} & {*one.items})
        if known >= _SHARE * len(asked):
            fitting.append((-known, len(one.items), name, one))
    return min(fitting)[-1] if fitting else None


def _asked(bank: Bank) -> list[str]:
    return [item for (item,) in bank.sql("select distinct item from surveys order by item").fetchall()]
