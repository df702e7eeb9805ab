"""The score of a shift: seven dimensions, read from the journals and held against the truth.

It is a pure function of the two, so a shift that is over can be scored at any time. A real incident
has no truth to be held against: what needs one is *not judged* then, and the rest is scaled. No
dimension is gained by doing something more often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from oncall.gameday import conduct, outcome
from oncall.gameday.play import Judgement, Play
from oncall.gameday.truth import Truth
from oncall.incident import Incident


@dataclass(frozen=True)
class Dimension:
    """One line of a score: points out of ``most``, and why; of 0 where it is not judged."""

    name: str
    points: int
    most: int
    why: str


@dataclass(frozen=True)
class Score:
    """The seven dimensions of a response; ``points`` is out of 100."""

    dimensions: tuple[Dimension, ...]

    @property
    def points(self) -> int:
        """The sum over all dimensions, scaled to 100 where some are not judged."""
        most = sum(dimension.most for dimension in self.dimensions)
        points = sum(dimension.points for dimension in self.dimensions)
        return round(100 * points / most) if most else 0

    def __str__(self) -> str:
        lines = [
            f"{d.name:<14}{d.points:>3} of {d.most:<3} {d.why}"
            if d.most
            else f"{d.name:<14}not judged {d.why}"
            for d in self.dimensions
        ]
        return "\n".join([*lines, f"{'score':<14}{self.points:>3} of 100"])


def score(
    journal: Incident, reference: Incident | None = None, truth: Truth | None = None
) -> Score:
    """The score of a response to one incident.

    With the ``truth`` of the shift that it is from, every dimension is judged. Without, a
    ``reference`` response to the same incident may say which severity and cause were right, and how
    much was lost; what nothing can be said about is not judged.
    """
    return _scored(Play((journal,), reference, truth))


def score_shift(incidents: Sequence[Incident], truth: Truth) -> Score:
    """The score of a whole shift: all of its incidents together, against the truth of it."""
    return _scored(Play(tuple(incidents), truth=truth))


def _scored(play: Play) -> Score:
    """What each judge says, unless nobody began to work: then there is nothing to score."""
    is_real = play.truth is None and bool(play.incidents[0].events)
    worked = is_real or bool(play.all("triage") or play.all("false_alarm"))
    dimensions = []
    for name, (most, judge) in JUDGES.items():
        judgement = None if play.is_quiet else judge(play) if play.incidents else (0.0, "")
        if judgement is None and not play.is_quiet:
            dimensions.append(Dimension(name, 0, 0, "The journal alone does not say."))
        elif play.is_quiet:
            dimensions.append(Dimension(name, most, most, "Nothing happened, and nothing was due."))
        elif not worked:
            why = "Nobody triaged it, or called it a false alarm: nothing can be scored."
            dimensions.append(Dimension(name, 0, most, why))
        else:
            share, why = judgement or (0.0, "")
            points = round(most * min(1.0, max(0.0, share)))
            dimensions.append(Dimension(name, points, most, why))
    return Score(tuple(dimensions))


# --- the dimensions, in the order in which they are told -----------------------------------------

JUDGES: dict[str, tuple[int, Callable[[Play], Judgement | None]]] = {
    "answer": (10, conduct.answer),
    "severity": (10, outcome.severity),
    "diagnosis": (15, outcome.diagnosis),
    "harm": (30, outcome.harm),
    "safety": (15, conduct.safety),
    "communication": (10, conduct.communication),
    "learning": (10, outcome.learning),
}
"""The dimensions of a score: how many points each is worth, and who judges it."""
