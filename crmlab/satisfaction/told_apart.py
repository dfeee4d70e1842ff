"""The path model that the answers can carry: as asked, or with what cannot be told apart joined; freed of error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crmlab.errors import CrmlabError, nearest, refuse
from crmlab.satisfaction.measured import Measured, freed_of_error, measured
from crmlab.satisfaction.merging import merged_model
from crmlab.satisfaction.model import PathModel
from crmlab.satisfaction.study import Study
from crmlab.satisfaction.validity import Gate, validity_gate

__all__ = ["ToldApart", "construct_with", "told_apart"]


@dataclass(frozen=True)
class ToldApart:
    """A path model whose effects may be read.

    Parameters
    ----------
    plain, found : Measured
        By partial least squares, and freed of the errors of the items; of the same responses and resamples.
    gate : Gate
        Of the model in `plain`. Where it is still closed, nothing it blocks is ranked.
    is_joined : bool
        Whether latent variables were joined.
    reading : str
        What the gate of the model as asked said, and what was done about it.
    """

    plain: Measured
    found: Measured
    gate: Gate
    is_joined: bool
    reading: str

    @property
    def model(self) -> PathModel:
        """The model that was estimated."""
        return self.found.model


def told_apart(study: Study, *, resamples: int = 1_000, seed: int = 1) -> ToldApart:
    """Take the model as asked where its latent variables can be told apart; else join those that cannot.

    Parameters
    ----------
    study : Study
        With the judged wave.
    resamples, seed : int
        Of the model with joined latent variables.

    Returns
    -------
    ToldApart
        The model as asked too where joining leaves nothing to explain, with the gate closed.

    Notes
    -----
    Joined latent variables may be alike to others in turn; then these are joined too. What is joined was chosen by the
    same answers that its effects are estimated from: read them as what these answers can still say.
    """
    plain, gate, told = study.found, study.gate, [study.gate.reading]
    while not gate.is_open:
        try:
            model = merged_model(plain.model, gate.groups)
        except CrmlabError as why:
            told.append(f"They cannot be joined either: {why}")
            break
        plain = measured(
            study.now, model, weights="weight", clusters="customer_id", resamples=resamples, seed=seed,
            level=study.found.level,
        )  # fmt: skip
        gate = validity_gate(plain)
    is_joined = plain is not study.found
    if is_joined and gate.is_open:
        told.append("What follows is of the model with these joined, estimated anew.")
    elif is_joined:
        told.append(f"Joined, there is still what cannot be told apart: {gate.reading}")
    return ToldApart(plain, freed_of_error(plain), gate, is_joined, " ".join(told))


def construct_with(model: PathModel, names: Sequence[str] | str, known: PathModel) -> tuple[str, ...]:
    """Find the constructs of a model that stand for latent variables of the model as asked, joined or not.

    Parameters
    ----------
    model : PathModel
        As estimated.
    names : sequence of str or str
        Latent variables or constructs of `known`; a text lists them with commas.
    known : PathModel
        As asked.

    Examples
    --------
    >>> asked = PathModel({"a": ["a1"], "b": ["b1"], "c": ["c1"]}, {"c": ["a", "b"]})
    >>> construct_with(merged_model(asked, [["a", "b"]]), "b", asked)
    ('a_b',)
    """
    wanted = [one.strip() for one in names.split(",") if one.strip()] if isinstance(names, str) else list(names)
    choice = list(dict.fromkeys([*known.constructs, *known.latents]))
    refuse(
        *(f"construct {one!r} is not in the model.{nearest(one, choice)} Known: {choice}." for one in wanted
          if one not in choice)
    )  # fmt: skip
    items = {one: set(known.latents.get(one, ())) | _items(known, one) for one in wanted}
    return tuple(name for name in model.constructs if any(items[one] & _items(model, name) for one in wanted))


def _items(model: PathModel, construct: str) -> set[str]:
    parts = model.higher.get(construct, (construct,))
    return {item for part in parts for item in model.latents[part]}
