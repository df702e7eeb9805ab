"""Lesson 08: lint as you type, a text with its findings marked; and a replay beside the evening that it comes from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

from ipywidgets import Textarea
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.patches import Patch
from matplotlib.text import Text

from oncall.catalogue import RUNBOOKS
from oncall.findings import Finding
from oncall.incident import Incident
from oncall.mock_system import MockSystem
from oncall.postmortem_lint import lint_postmortem
from oncall.regression import ReplayCase, Verdict, replay
from oncall.times import MINUTE, duration_text
from oncall.workbook.plots.base import (
    BLUE,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SHADE,
    SKY,
    VERMILION,
    WIDTH,
    Plot,
)
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, slider, styled

# The lint's rules in four kinds, each with its colour.
KINDS = {
    "blame": (VERMILION, ("blame-person", "human-error", "judgement")),
    "regret": (ORANGE, ("counterfactual",)),
    "vague": (SKY, ("vague-impact", "not-an-outage", "root-cause")),
    "loose ends": (PURPLE, ("no-owner", "no-date", "be-careful", "missing-section")),
}
COLOURS = {rule: colour for colour, rules in KINDS.values() for rule in rules}
ROWS, COLUMNS = 10, 88  # of the text that is shown
FONT = "DejaVu Sans Mono"  # comes with matplotlib, and every character is as wide as the next
MARGIN = 5  # characters left of it, for the number of the line
MOST = 8  # findings that a bar has room for; its number goes on


# --- a text and its findings ---------------------------------------------------------------------


class Mark(NamedTuple):
    """Where a finding stands in a line: the characters from ``start`` to ``end`` of a line that counts from 1."""

    line: int
    start: int
    end: int
    rule: str


@dataclass(frozen=True)
class Reading:
    """A text and what the lint found in it: the findings, and where they stand."""

    lines: tuple[str, ...]
    findings: tuple[Finding, ...]
    marks: tuple[Mark, ...]


def read(text: str, people: Sequence[str] = (), lowest_sli: float | None = None) -> Reading:
    """A text as ``lint_postmortem`` reads it, each finding marked; one about the whole text has no mark."""
    lines = tuple(text.rstrip("\n").split("\n"))
    findings = tuple(lint_postmortem(text, people=people, lowest_sli=lowest_sli))
    marks = [mark for finding in findings if finding.line for mark in _marks(lines, finding)]
    return Reading(lines, findings, tuple(marks))


def _marks(lines: Sequence[str], finding: Finding) -> Iterator[Mark]:
    """The finding's phrase, in each line that it reaches into; the whole line where it is not found word for word."""
    below = "\n".join(lines[finding.line - 1 :])
    words = re.search(r"\s+".join(map(re.escape, finding.phrase.split())), below)
    if words is None:
        yield Mark(finding.line, 0, len(lines[finding.line - 1]), finding.rule)
        return
    begin = 0
    for number, line in enumerate(lines[finding.line - 1 :], finding.line):
        start, end = max(words.start() - begin, 0), min(words.end() - begin, len(line))
        if start < end:
            yield Mark(number, start, end, finding.rule)
        begin += len(line) + 1


# --- lint as you type ----------------------------------------------------------------------------


def lint_as_you_type(text: str, people: Sequence[str] = (), lowest_sli: int = 50) -> Explorer:
    """A text to rewrite, with what the lint says of it: marked where it stands, and counted by rule.

    ``lowest_sli`` is in percent: above 0 there was no outage.
    """
    with styled():
        figure = blank_figure(4.1)
        artists = _stage(figure)

    def update(text: str, lowest_sli: int) -> Model:
        reading = read(text, people, lowest_sli / 100)
        _show(artists, reading)
        return _model(reading)

    box = Textarea(text, description="Text", rows=max(5, text.count("\n") + 2))
    sli = slider("Lowest SLI (%)", 0, 100, 1, lowest_sli)
    explorer = Explorer(figure, artists, {"text": box, "lowest_sli": sli}, update, _describe)
    box.layout.max_width = "calc(100% - 4px)"  # wider than a slider needs to be, with its margin
    return explorer


def plot_lint(text: str, people: Sequence[str] = (), lowest_sli: float | None = None) -> Plot:
    """A text with its findings marked, and counted by rule."""
    reading = read(text, people, lowest_sli)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.6))
        _show(_stage(figure), reading)
    return Plot(figure, _describe(_model(reading)))


def _model(reading: Reading) -> Model:
    counts = Counter(finding.rule for finding in reading.findings)
    first = reading.findings[0] if reading.findings else None
    return {
        "lines": len(reading.lines),
        "findings": len(reading.findings),
        **{rule: counts[rule] for rule in COLOURS if rule in counts},
        "first": first and f"line {first.line}, {first.phrase}: {first.suggestion}",
    }


def _describe(model: Model) -> str:
    lines, findings = _number(model["lines"], "line"), _number(model["findings"], "finding")
    if not model["findings"]:
        return f"{lines}, no finding: nothing in its words blames or is vague. Whether it is true, no lint can tell."
    counts = ", ".join(f"{rule} {model[rule]}" for rule in COLOURS if rule in model)
    first = model["first"].removeprefix("line 0, ")
    return f"{lines}, {findings}: {counts}. {first[0].upper()}{first[1:]}"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _stage(figure: Figure) -> dict[str, Artist]:
    """What never moves, and the artists that follow the text: its rows, the marks behind them, the bars."""
    figure.set_layout_engine("none")
    page = figure.add_axes((0.01, 0.52, 0.98, 0.42))
    page.set(title="The text, as far as it fits", ylim=(ROWS, 0), xticks=[], yticks=[])
    page.grid(False)
    page.spines[["left", "bottom"]].set_visible(False)
    size = 1.23 * figure.get_figwidth()  # so that a row of the text just fits
    rows = [
        page.text(
            0,
            place + 0.5,
            "",
            va="center_baseline",
            family=FONT,
            fontsize=size,
            parse_math=False,
            zorder=3,
        )
        for place in range(ROWS)
    ]
    page.set_xlim(
        0, page.bbox.width / _character_width(figure, rows[0])
    )  # one unit is one character
    marks = page.add_collection(PolyCollection([], alpha=0.45, lw=0), autolim=False)
    return {
        "marks": marks,
        **{f"row {place}": row for place, row in enumerate(rows)},
        **_bars(figure),
    }


def _character_width(figure: Figure, row: Text) -> float:
    """How many dots a character takes, once hinted: not quite what its size says."""
    row.set_text("x" * COLUMNS)
    width: float = row.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
    return width / COLUMNS


def _bars(figure: Figure) -> dict[str, Artist]:
    axes = figure.add_axes((0.21, 0.11, 0.52, 0.32))
    axes.set(
        title="Findings by rule", xlabel="findings", xlim=(0, MOST + 0.8), xticks=range(MOST + 1)
    )
    places = range(len(COLOURS))
    bars = axes.barh(places, 0, 0.7, color=list(COLOURS.values()))
    axes.set_yticks(places, list(COLOURS), fontsize=8.5)
    axes.set_ylim(len(COLOURS) - 0.4, -0.6)  # the first rule on top
    axes.grid(False, axis="y")
    handles = [Patch(color=colour, label=kind) for kind, (colour, _) in KINDS.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.05, 1))
    artists: dict[str, Artist] = {
        f"bar {rule}": bar for rule, bar in zip(COLOURS, bars, strict=True)
    }
    for place, rule in enumerate(COLOURS):
        artists[f"count {rule}"] = axes.text(0, place, "", va="center", fontsize=8.5)
    return artists


def _show(artists: dict[str, Any], reading: Reading) -> None:
    shown = _rows(reading)
    for place in range(ROWS):
        artists[f"row {place}"].set_text(
            _written(reading, shown[place]) if place < len(shown) else ""
        )
    boxes = [
        (_box(place, row, mark), COLOURS[mark.rule])
        for place, row in enumerate(shown)
        for mark in reading.marks
    ]
    seen = [(box, colour) for box, colour in boxes if box]
    artists["marks"].set_verts([box for box, _ in seen])
    artists["marks"].set_facecolor([colour for _, colour in seen])
    counts = Counter(finding.rule for finding in reading.findings)
    for rule in COLOURS:
        artists[f"bar {rule}"].set_width(min(counts[rule], MOST))
        artists[f"count {rule}"].set(text=str(counts[rule] or ""), x=min(counts[rule], MOST) + 0.1)


class _Row(NamedTuple):
    """A row as it is shown: so many characters of a line, from ``start`` on."""

    line: int
    start: int
    end: int


def _rows(reading: Reading) -> list[_Row]:
    """The text in rows that fit. Where there are too many, those of the lines with findings, as far as they go."""
    rows = [row for number, line in enumerate(reading.lines, 1) for row in _wrapped(number, line)]
    if len(rows) > ROWS:
        marked = {mark.line for mark in reading.marks}
        rows = [row for row in rows if row.line in marked] or rows
    return rows[:ROWS]


def _wrapped(number: int, line: str) -> Iterator[_Row]:
    start = 0
    while len(line) - start > COLUMNS:
        space = line.rfind(" ", start + 1, start + COLUMNS + 1)
        end = start + COLUMNS if space < 0 else space + 1
        yield _Row(number, start, end)
        start = end
    yield _Row(number, start, len(line))


def _written(reading: Reading, row: _Row) -> str:
    number = str(row.line) if not row.start else ""
    return f"{number:>{MARGIN - 2}}  {_drawable(reading.lines[row.line - 1][row.start : row.end])}"


def _drawable(text: str) -> str:
    """The text with a box for each character that the font lacks, so that nothing moves and nothing warns."""
    return "".join(char if _is_drawn(char) else "\ufffd" for char in text.replace("\t", " "))


@cache
def _is_drawn(char: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FONT))).get_char_index(ord(char)))


def _box(place: int, row: _Row, mark: Mark) -> list[tuple[float, float]]:
    """The corners of a mark in a row of the picture; none where it does not reach into the row."""
    left, right = max(mark.start, row.start), min(mark.end, row.end)
    if mark.line != row.line or left >= right:
        return []
    x, width = MARGIN + left - row.start, right - left
    return [
        (x, place + 0.05),
        (x + width, place + 0.05),
        (x + width, place + 0.95),
        (x, place + 0.95),
    ]


# --- the evening, and the same fault replayed ----------------------------------------------------

Steps = list[tuple[float, float]]  # from which minute after the fault on, and the SLI from there


def replayed(case: ReplayCase, automated: Iterable[str] = ()) -> Steps:
    """The SLI in a replay of a case, from the fault on, as the automated mitigations come to show."""
    automated = tuple(automated)
    system = MockSystem(case.symptom, failing=case.error_ratio)
    steps, at = [(0.0, float(system.sli))], replay(case, automated).paged_after
    for mitigation in RUNBOOKS[case.symptom].mitigations:
        if at is not None and mitigation.name in automated:
            at += mitigation.settle
            system.apply(mitigation.name)
            steps.append(
                (at / MINUTE - 1, float(system.sli))
            )  # the last minute of the settle time shows it
    return steps


def recorded(incident: Incident) -> Steps:
    """The SLI of an incident as its measures tell it, from the impact to the mitigation."""
    good, total = Counter[timedelta](), Counter[timedelta]()  # by the end of what was measured
    for event in incident.events:
        if event.verb == "measure" and event.get("total"):
            good[event.at - incident.impact_start] += event.get("good")
            total[event.at - incident.impact_start] += event.get("total")
    steps = [
        (since / MINUTE, good[end] / total[end]) for since, end in pairwise([timedelta(), *total])
    ]
    impact = incident.metrics().impact
    if impact is None or not steps:
        return steps
    felt = [(minute, level) for minute, level in steps if minute < impact / MINUTE]
    return [*felt, (impact / MINUTE, felt[-1][1])]


def plot_replay(case: ReplayCase, incident: Incident, automated: Sequence[str]) -> Plot:
    """The SLI of an evening, and of the same fault replayed with nothing automated and with these mitigations."""
    page, within = replay(case, automated).paged_after, case.restore_within / MINUTE
    evening, bare, fixed = recorded(incident), replayed(case), replayed(case, automated)
    end = max([within + 10, *(minute for minute, _ in evening)])
    with styled():
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        axes = figure.subplots()
        axes.set(
            title=f"{case.id}: the same fault, three times",
            ylabel="good, %",
            xlabel="minutes since the fault",
        )
        axes.set(xlim=(0, end), ylim=(100 * min(sli for _, sli in [*evening, *bare]) - 8, 104))
        axes.axvspan(within, end, color=GREY, alpha=SHADE, lw=0, label="too late")
        if page is not None:
            axes.axvline(page / MINUTE, color=ORANGE, lw=2, ls=":", label="page")
        axes.axhline(case.slo.target * 100, color=INK, lw=1, ls="--", label="target")
        _draw_steps(axes, evening, color=GREY, label="as recorded")
        _draw_steps(
            axes,
            [*bare, (end, bare[-1][1])],
            color=VERMILION,
            ls="--",
            label="replayed, nothing automated",
        )
        _draw_steps(axes, [*fixed, (end, fixed[-1][1])], color=BLUE, label="replayed with the fix")
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.5)
    return Plot(figure, describe_replay(case, incident, automated))


def describe_replay(case: ReplayCase, incident: Incident, automated: Sequence[str]) -> str:
    """The numbers of ``plot_replay`` as one line."""
    fixed, bare = replay(case, automated), replay(case)
    path = ", ".join(
        f"{sli:.1%} from minute {minute:.0f}" for minute, sli in replayed(case, automated)[1:]
    )
    return (
        f"{1 - case.error_ratio:.1%} good from the fault on, paged after {duration_text(fixed.paged_after)}, limit "
        f"{duration_text(case.restore_within)}. As recorded: mitigated after "
        f"{duration_text(incident.metrics().impact)}. Replayed, nothing automated: {_restored(bare)}. "
        f"Replayed with the fix: {path}; {_restored(fixed)}."
    )


def _restored(verdict: Verdict) -> str:
    if verdict.restored_after is None:
        return "not restored"
    return f"restored after {duration_text(verdict.restored_after)}"


def _draw_steps(axes: Axes, steps: Steps, **look: Any) -> None:
    axes.step(
        [minute for minute, _ in steps], [100 * sli for _, sli in steps], where="post", lw=2, **look
    )
