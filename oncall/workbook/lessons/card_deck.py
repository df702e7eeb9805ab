"""Lesson 10: three mitigations in an order of your choice, and what users get after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.catalogue import RUNBOOKS
from oncall.mitigations import FLOORS, MITIGATIONS
from oncall.mock_system import MockSystem
from oncall.runbook import Runbook, RunbookRun, is_healthy, run_runbook
from oncall.slo import SLO, percent
from oncall.times import MINUTE
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Look, Plot
from oncall.workbook.plots.colours import BLUE, INK, ORANGE
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice

SYMPTOM = "model_provider_outage"
CARDS = ("fail_over", "serve_cached", "serve_degraded", "hedge_requests")
ORDER = CARDS[:3]  # the runbook's own
CARD_TARGETS = {percent(target): target for target in (0.85, 0.95, 0.99)}
STARTED = datetime(2025, 3, 5, 3, tzinfo=UTC)  # any moment would do
WHEN = ("before", "first card", "second card", "third card")
NOT_PLAYED = "not needed"
RESPONDERS = {"looks after each": "verifies", "trusts the command": "trusts"}


@dataclass(frozen=True)
class Play:
    """One card, the two SLIs once its effect shows, the minutes since the start, and the outcome.

    A card that was not needed is not played: its SLIs are those that were there anyway.
    """

    card: str
    minute: int
    availability: float
    quality: float
    outcome: str
    rolled_back: bool = False


@dataclass(frozen=True)
class Hand:
    """The cards in order, and how it ended: ``healthy`` is at the target with no SLI harmed."""

    target: float
    plays: tuple[Play, ...]
    availability: float
    quality: float
    minutes: int
    healthy: bool


def runbook_of(*cards: str) -> Runbook:
    """The runbook of the outage, with these mitigations in place of its own."""
    return replace(RUNBOOKS[SYMPTOM], mitigations=tuple(MITIGATIONS[card] for card in cards))


def play_cards(cards: Sequence[str] = ORDER, target: float = 0.95, *, verify: bool = True) -> Hand:
    """What comes of these mitigations, in this order, against an outage of the model provider.

    With ``verify`` they are worked as ``run_runbook`` works a runbook: look after each, roll back
    what did not help, stop at the target. Without it, each is applied and the next follows as long
    as no command fails; none does.
    """
    slo, system = SLO("availability", target), MockSystem(SYMPTOM)
    plays = tuple(_verified(cards, system, slo) if verify else _trusted(cards, system))
    minutes = max((_done_at(play) for play in plays), default=0)
    return Hand(target, plays, *_slis(system.applied), minutes, is_healthy(system, slo))


def _verified(cards: Sequence[str], system: MockSystem, slo: SLO) -> Iterator[Play]:
    steps = iter(run_runbook(runbook_of(*cards), system, slo=slo, at=STARTED).steps)
    in_effect: list[str] = []
    for card in cards:
        step = None if card in in_effect else next(steps, None)
        if step is None:
            yield Play(card, 0, *_slis(in_effect), NOT_PLAYED)
            continue
        minute, undone = (step.at - STARTED) // MINUTE, not (step.kept or step.refused)
        yield Play(card, minute, *_slis([*in_effect, card]), step.outcome, undone)
        if step.kept:
            in_effect.append(card)


def _trusted(cards: Sequence[str], system: MockSystem) -> Iterator[Play]:
    elapsed = timedelta()
    for number, card in enumerate(cards, 1):
        system.apply(card)
        elapsed += MITIGATIONS[card].settle
        yield Play(card, elapsed // MINUTE, *_slis(cards[:number]), "command succeeded")


def _slis(applied: Sequence[str]) -> tuple[float, float]:
    """Availability and quality with these mitigations in effect; untouched, quality is 1."""
    slis = MockSystem(SYMPTOM, applied).slis
    return float(slis["availability"]), float(slis.get("quality", 1))


def _done_at(play: Play) -> int:
    """The minute at which the responder is done with a card: a roll-back takes its time too."""
    return play.minute + play.rolled_back


def run_as_text(run: RunbookRun) -> str:
    """A run of a runbook as text: one line for each step, and one for how it ended."""
    lines = []
    for step in run.steps:
        change = f"{step.before:.3f} → {step.after:.3f}"
        lines.append(f"{step.at:%H:%M} UTC {step.mitigation.name}: {change}, {step.outcome}")
    return "\n".join([*lines, f"at the end: {'healthy' if run.healthy else 'not healthy'}"])


# --- the picture ---------------------------------------------------------------------------------


@base.styled()
def plot_cards(hand: Hand) -> Plot:
    """What users get before and after each card, in bars."""
    figure = base.new_figure(4.2)
    _update_artists(_build_axes(figure), hand)
    return Plot(figure, _describe(_model(hand)))


@base.styled()
def card_deck_explorer() -> Explorer:
    """Which card is played first, second and third, the target, and whether anybody looks."""
    figure = blank_figure(4.2)
    artists = _build_axes(figure)

    def update(first: str, second: str, third: str, target: float, responder: str) -> Model:
        hand = play_cards((first, second, third), target, verify=responder == "verifies")
        _update_artists(artists, hand)
        return _model(hand)

    deck = {card: card for card in CARDS}
    controls = {
        "first": choice("First card", deck, ORDER[0]),
        "second": choice("Second card", deck, ORDER[1]),
        "third": choice("Third card", deck, ORDER[2]),
        "target": choice("Target", CARD_TARGETS, 0.95),
        "responder": choice("The responder", RESPONDERS, "verifies"),
    }
    return Explorer(figure, artists, controls, update, _describe)


def _model(hand: Hand) -> Model:
    return {
        "plays": "; ".join(_play_text(play) for play in hand.plays),
        "availability": round(hand.availability, 4),
        "quality": round(hand.quality, 4),
        "minutes": hand.minutes,
        "target": hand.target,
        "healthy": hand.healthy,
    }


def _play_text(play: Play) -> str:
    if play.outcome == NOT_PLAYED:
        return f"{play.card} {NOT_PLAYED}"
    quality = "" if play.quality == 1 else f" and quality {play.quality:.1%}"
    return f"{play.card} {play.availability:.1%}{quality} at minute {play.minute}, {play.outcome}"


def _describe(model: Model) -> str:
    text = (
        "Availability {before:.0%}; {plays}. "
        "After {minutes} minutes availability is {availability:.1%} and quality {quality:.1%}: "
        "{verdict}, at a target of {target:.0%}."
    )
    verdict = "healthy" if model["healthy"] else "not healthy"
    return text.format(before=_slis([])[0], verdict=verdict, **model)


def _build_axes(figure: Figure) -> dict[str, Any]:
    """Draw the axes; return the bars, the target's line and the words, which follow the hand."""
    axes = figure.subplots()
    axes.set_title("What users get, before and after each card")
    artists = _bars(axes, "availability", -0.2, BLUE) | _bars(axes, "quality", 0.2, ORANGE)
    line: Look = {"color": INK, "lw": 1.5}
    floor = 100 * float(FLOORS["quality"])
    artists["target"] = axes.axhline(0, ls="--", label="target of availability", **line)
    artists["floor"] = axes.axhline(floor, ls=":", label="least quality that users accept", **line)
    for place in range(len(WHEN)):
        # Out of the layout: it is made once, before there are words.
        words = axes.text(place, 104, "", ha="center", va="bottom", fontsize=9, in_layout=False)
        artists[f"words {place}"] = words
    axes.set(ylabel="good, %", ylim=(0, 138), yticks=range(0, 101, 20))
    axes.set(xlabel="cards played", xlim=(-0.5, len(WHEN) - 0.5))
    axes.set_xticks(range(len(WHEN)), WHEN)
    axes.grid(False, axis="x")
    base.legend_below(figure, ncols=2)
    return artists


def _bars(axes: Axes, name: str, shift: float, colour: str) -> dict[str, Any]:
    middles = [place + shift for place in range(len(WHEN))]
    bars = axes.bar(middles, 0, 0.36, color=colour, label=name)
    return {f"{name} {place}": bar for place, bar in enumerate(bars)}


def _update_artists(artists: dict[str, Any], hand: Hand) -> None:
    artists["target"].set_ydata([hand.target * 100] * 2)
    before = _slis([])
    _update_place(artists, 0, *before, f"{1 - before[0]:.0%} of the\nrequests fail")
    for place, play in enumerate(hand.plays, 1):
        if play.outcome == NOT_PLAYED:
            _update_place(artists, place, 0, 0, f"{play.card}\n{NOT_PLAYED}")
        else:
            outcome = play.outcome.replace(": it ", "\n").replace("command ", "command\n")
            words = f"{play.card}\nminute {play.minute}: {outcome}"
            _update_place(artists, place, play.availability, play.quality, words)


def _update_place(
    artists: dict[str, Any], place: int, availability: float, quality: float, words: str
) -> None:
    artists[f"availability {place}"].set_height(availability * 100)
    artists[f"quality {place}"].set_height(quality * 100)
    artists[f"words {place}"].set_text(words)
