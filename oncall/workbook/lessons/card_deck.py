"""Lesson 07: the card deck. Three mitigations in an order of your choice, and what users get after each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oncall.catalogue import FLOORS, MITIGATIONS, RUNBOOKS
from oncall.mock_system import MockSystem
from oncall.runbook import Runbook, RunbookRun, is_healthy, run_runbook
from oncall.slo import SLO, percent
from oncall.times import MINUTE
from oncall.workbook.plots.base import BLUE, INK, ORANGE, WIDTH, Plot
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, choice, styled

SYMPTOM = "model_provider_outage"
CARDS = ("fail_over", "serve_cached", "serve_degraded", "hedge_requests")
ORDER = CARDS[:3]  # the runbook's own
TARGETS = (0.85, 0.95, 0.99)
STARTED = datetime(2025, 3, 5, 3, tzinfo=UTC)  # any moment would do
WHEN = ("before", "first card", "second card", "third card")
NOT_PLAYED = "not needed"


@dataclass(frozen=True)
class Play:
    """One card, and what users get once it shows: two SLIs, the minutes since the start, what became of the card.

    A card that nobody needed is not played: its SLIs are those that were there anyway.
    """

    card: str
    minute: int
    availability: float
    quality: float
    outcome: str


@dataclass(frozen=True)
class Hand:
    """The cards in order, and how it ended: ``healthy`` is at the target, and no other SLI harmed."""

    target: float
    plays: tuple[Play, ...]
    availability: float
    quality: float
    minutes: int
    healthy: bool


def runbook_of(*cards: str) -> Runbook:
    """The runbook of the outage, with these mitigations in place of its own."""
    return replace(RUNBOOKS[SYMPTOM], mitigations=tuple(MITIGATIONS[card] for card in cards))


def play(cards: Sequence[str] = ORDER, target: float = 0.95, *, verify: bool = True) -> Hand:
    """What comes of these mitigations, in this order, against an outage of the model provider.

    With ``verify`` they are worked as ``run_runbook`` works a runbook: look after each, roll back what
    did not help, stop at the target. Without, each is applied and the next follows, as long as no
    command fails; none does.
    """
    slo, system = SLO("availability", target), MockSystem(SYMPTOM)
    plays = tuple(_verified(cards, system, slo) if verify else _trusted(cards, system))
    return Hand(
        target,
        plays,
        *_slis(system.applied),
        minutes=max((_over(one) for one in plays), default=0),
        healthy=is_healthy(system, slo),
    )


def _verified(cards: Sequence[str], system: MockSystem, slo: SLO) -> Iterator[Play]:
    steps = iter(run_runbook(runbook_of(*cards), system, slo=slo, at=STARTED).steps)
    kept: list[str] = []
    for card in cards:
        step = None if card in kept else next(steps, None)
        if step is None:
            yield Play(card, 0, *_slis(kept), NOT_PLAYED)
            continue
        yield Play(card, (step.at - STARTED) // MINUTE, *_slis([*kept, card]), step.outcome)
        kept += [card] if step.kept else []


def _trusted(cards: Sequence[str], system: MockSystem) -> Iterator[Play]:
    at = timedelta()
    for number, card in enumerate(cards, 1):
        system.apply(card)
        at += MITIGATIONS[card].settle
        yield Play(card, at // MINUTE, *_slis(cards[:number]), "command succeeded")


def _slis(applied: Sequence[str]) -> tuple[float, float]:
    """Availability and quality with these mitigations in effect; a quality that nothing touches is 1."""
    slis = MockSystem(SYMPTOM, applied).slis
    return float(slis["availability"]), float(slis.get("quality", 1))


def _over(one: Play) -> int:
    """When the responder is done with a card: a roll-back takes its time too."""
    return one.minute + (1 if one.outcome.startswith("rolled back") else 0)


def told(run: RunbookRun) -> str:
    """A run of a runbook as text: a line a step, and one for how it ended."""
    lines = [
        f"{step.at:%H:%M} UTC {step.mitigation.name}: {step.before:.3f} → {step.after:.3f}, {step.outcome}"
        for step in run.steps
    ]
    return "\n".join([*lines, f"at the end: {'healthy' if run.healthy else 'not healthy'}"])


# --- the picture ---------------------------------------------------------------------------------


def plot_cards(hand: Hand) -> Plot:
    """What users get before and after each card, in bars."""
    with styled():
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        _place(_draw(figure), hand)
    return Plot(figure, describe_cards(hand))


def describe_cards(hand: Hand) -> str:
    """The numbers of ``plot_cards`` as one line."""
    return _describe(_model(hand))


def card_deck() -> Explorer:
    """Which card is played first, second and third, how good is good enough, and whether anybody looks."""
    with styled():
        figure = blank_figure(4.2)
        artists = _draw(figure)

    def update(first: str, second: str, third: str, target: float, responder: str) -> Model:
        hand = play((first, second, third), target, verify=responder == "verifies")
        _place(artists, hand)
        return _model(hand)

    deck = {card: card for card in CARDS}
    return Explorer(
        figure,
        artists,
        {
            "first": choice("First card", deck, ORDER[0]),
            "second": choice("Second card", deck, ORDER[1]),
            "third": choice("Third card", deck, ORDER[2]),
            "target": choice("Target", {percent(target): target for target in TARGETS}, 0.95),
            "responder": choice(
                "The responder",
                {"looks after each": "verifies", "trusts the command": "trusts"},
                "verifies",
            ),
        },
        update,
        _describe,
    )


def _model(hand: Hand) -> Model:
    return {
        "plays": "; ".join(_play_text(one) for one in hand.plays),
        "availability": round(hand.availability, 4),
        "quality": round(hand.quality, 4),
        "minutes": hand.minutes,
        "target": hand.target,
        "healthy": hand.healthy,
    }


def _play_text(one: Play) -> str:
    if one.outcome == NOT_PLAYED:
        return f"{one.card} {NOT_PLAYED}"
    quality = "" if one.quality == 1 else f" and quality {one.quality:.1%}"
    return f"{one.card} {one.availability:.1%}{quality} at minute {one.minute}, {one.outcome}"


def _describe(model: Model) -> str:
    verdict = "healthy" if model["healthy"] else "not healthy"
    text = (
        "Availability {before:.0%}; {plays}. After {minutes} minutes availability is {availability:.1%} and quality "
        "{quality:.1%}: {verdict}, at a target of {target:.0%}."
    )
    return text.format(before=_slis([])[0], verdict=verdict, **model)


def _draw(figure: Figure) -> dict[str, Artist]:
    """The axes, and the bars, line and words that ``_place`` moves."""
    axes = figure.subplots()
    axes.set_title("What users get, before and after each card")
    artists = _bars(axes, "availability", -0.2, BLUE) | _bars(axes, "quality", 0.2, ORANGE)
    artists["target"] = axes.axhline(0, color=INK, lw=1.5, ls="--", label="target of availability")
    floor = float(FLOORS["quality"]) * 100
    artists["floor"] = axes.axhline(
        floor, color=INK, lw=1.5, ls=":", label="least quality that users accept"
    )
    for place in range(len(WHEN)):
        # Out of the layout: it is made once, before there are words.
        words = axes.text(
            place, 104, "", ha="center", va="bottom", fontsize=9, color=INK, in_layout=False
        )
        artists[f"words {place}"] = words
    axes.set(ylabel="good, %", ylim=(0, 138), xlim=(-0.5, len(WHEN) - 0.5), xlabel="cards played")
    axes.set_yticks(range(0, 101, 20))
    axes.set_xticks(range(len(WHEN)), WHEN)
    axes.grid(False, axis="x")
    figure.legend(loc="outside lower left", ncols=2, columnspacing=1.5)
    return artists


def _bars(axes: Axes, name: str, shift: float, colour: str) -> dict[str, Artist]:
    bars = axes.bar(
        [place + shift for place in range(len(WHEN))], 0, 0.36, color=colour, label=name
    )
    return {f"{name} {place}": bar for place, bar in enumerate(bars)}


def _place(artists: dict[str, Any], hand: Hand) -> None:
    artists["target"].set_ydata([hand.target * 100] * 2)
    before = _slis([])
    _place_card(artists, 0, *before, f"{1 - before[0]:.0%} of the\nrequests fail")
    for place, one in enumerate(hand.plays, 1):
        if one.outcome == NOT_PLAYED:
            _place_card(artists, place, 0, 0, f"{one.card}\n{NOT_PLAYED}")
        else:
            words = one.outcome.replace(": it ", "\n").replace("command ", "command\n")
            _place_card(
                artists,
                place,
                one.availability,
                one.quality,
                f"{one.card}\nminute {one.minute}: {words}",
            )


def _place_card(
    artists: dict[str, Any], place: int, availability: float, quality: float, words: str
) -> None:
    artists[f"availability {place}"].set_height(availability * 100)
    artists[f"quality {place}"].set_height(quality * 100)
    artists[f"words {place}"].set_text(words)
