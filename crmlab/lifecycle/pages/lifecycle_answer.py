"""The answer to "Where do our customers stand, how do they move, and which move pays most?"."""

from __future__ import annotations

from crmlab.lifecycle.pages.lifecycle import Lifecycle
from crmlab.lifecycle.stages.rules import ALIVE, WORDS
from crmlab.stats import Evidence, count_text, proportion

__all__ = ["headline", "labels", "next_steps", "pays"]

_LABELS = {
    "fading_share": "In decline or dormant",
    "stayed_share": "In the same stage a year later",
    "lost_year_share": "Lost in the last year",
    "lost_month_share": "Lost in a month",
    "decline_back_share": "Decline to growth or maturity in a month",
    "decline_lost_share": "Lost from decline in a month",
    "flicker_share": "Moves undone within two months",
    "margin_next_year": "Margin expected in the next 12 months, a customer",
    "best_move_gain": "The move that pays most, a tenth more or fewer",
    "best_move_each": "One customer more or less who makes it",
    "recovery_each": "One customer back from decline",
    "policy_gain": "The best of the policies compared",
    "lost_next_year_share": "Lost in the next year, forecast",
    "forecast_error_share": "Put in a wrong stage by the forecast",
    "no_change_error_share": "Put in a wrong stage by no change",
    "forecast_gain_share": "Fewer in a wrong stage than by no change",
    "ended_share": "Left after the years shown",
    "top_cause_share": "Left by the most frequent cause",
    "closing_share": "Of those who left: by closing",
    "silent_leaving_share": "Of those who left: silently",
    "hazard_auc": "Hazard: chance to rank right (AUC)",
    "hazard_slope": "Hazard: slope of the probabilities",
    "kept_year_share": "Joiners still there after a year",
    "joiner_first_year": "Margin of a joiner's first year, best channel",
}


def labels() -> dict[str, str]:
    """What a reader calls each number."""
    shares = {f"{stage}_share": f"In {WORDS.get(stage, stage)}" for stage in ALIVE}
    values = {f"value_{stage}": f"Value of a customer in {WORDS.get(stage, stage)}" for stage in ALIVE}
    return _LABELS | shares | values


def headline(life: Lifecycle, standing: Evidence | None, moves: Evidence | None) -> str:
    """Where customers stand and what pays most, in one or two sentences."""
    if standing is None:
        return f"Where customers stand cannot be shown: {life.why}."
    fading = standing["fading_share"]
    said = (
        f"Of {count_text(life.n)} customers {standing['growth_share'].short} grow,"
        f" {standing['maturity_share'].short} are mature, {standing['onboarding_share'].short} are new and"
        f" {fading.short} ({fading.interval}) decline or are dormant."
    )
    if moves is None:
        return said
    return f"{said} {moves.title} ({moves['best_move_gain'].interval}) {life.span}."


def pays(life: Lifecycle, mapped: Evidence | None, values: Evidence | None, coming: Evidence | None) -> str:
    """How customers move and what they are worth."""
    if life.why:
        return f"How they move cannot be shown either: {life.why}."
    if mapped is None:
        return "How customers move cannot be said: nobody has been seen in two months."
    lost = mapped["lost_month_share"]
    if not (life.moves["to"] == "lost").any():
        bound = proportion(0, len(life.moves)).high
        return (
            f"Nobody was lost in the months looked at ({life.months}; {count_text(len(life.moves))}"
            f" customer-months), so the chance"
            f" is below {100 * bound:.2f} % a month and how long customers stay cannot be said from this."
        )
    parts = [f"In a month {lost.text} of the customers are lost."]
    if coming is not None:
        parts.append(f"If that goes on, {coming['lost_next_year_share'].text} of today's will be lost in a year.")
    if values is not None:
        year = values["margin_next_year"]
        parts.append(
            f"{values.title}; the average customer is expected to yield {year.short} ({year.interval}) in a year."
        )
    else:
        parts.append(f"What they are worth cannot be said: {life.no_value}.")
    return " ".join(parts)


def next_steps(declined: str, stalled: str) -> str:
    """Whom to turn to now."""
    return " ".join(["Now:", declined, stalled])
