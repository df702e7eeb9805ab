"""Lesson 11: a text with its lint findings marked, and a replay beside its evening."""

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
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Look, Plot
from oncall.workbook.plots.colours import BLUE, GREY, INK, ORANGE, PURPLE, SHADE, SKY, VERMILION
from oncall.workbook.plots.explorer import Explorer, Model, blank_figure, slider

# The lint's rules in four kinds, each with its colour.
RULE_KINDS = {
    "blame": (VERMILION, ("blame-person", "human-error", "judgement")),
    "regret": (ORANGE, ("counterfactual",)),
    "vague": (SKY, ("vague-impact", "not-an-outage", "root-cause", "local-time")),
    "loose ends": (PURPLE, ("no-owner", "no-date", "be-careful", "missing-section")),
}
RULE_COLOURS = {rule: colour for colour, rules in RULE_KINDS.values() for rule in rules}
ROWS, COLUMNS = 10, 88  # of the text that is shown
FONT = "DejaVu Sans Mono"  # comes with matplotlib, and every character is as wide as the next
MARGIN = 5  # characters left of it, for the number of the line
LONGEST_BAR = 8  # findings that a bar has room for; its number goes on


# --- a text and its findings ---------------------------------------------------------------------


class Mark(NamedTuple):
    """Where a finding stands: characters ``start`` to ``end`` of a line; lines count from 1."""

    line: int
    start: int
    end: int
    rule: str


@dataclass(frozen=True)
class LintedText:
    """A text and what the lint found in it: the findings, and where they stand."""

    lines: tuple[str, ...]
    findings: tuple[Finding, ...]
    marks: tuple[Mark, ...]

    @property
    def counts(self) -> Counter[str]:
        """How many findings there are of each rule."""
        return Counter(finding.rule for finding in self.findings)


def lint_text(text: str, people: Sequence[str] = (), lowest_sli: float | None = None) -> LintedText:
    """A text with the findings of ``lint_postmortem``; one about the whole text has no mark."""
    lines = tuple(text.rstrip("\n").split("\n"))
    findings = tuple(lint_postmortem(text, people=people, lowest_sli=lowest_sli))
    marks = [mark for finding in findings if finding.line for mark in _marks(lines, finding)]
    return LintedText(lines, findings, tuple(marks))


def _marks(lines: Sequence[str], finding: Finding) -> Iterator[Mark]:
    """Mark the finding's phrase in each line that it reaches into.

    Where it is not found word for word, mark the whole line.
    """
    below = lines[finding.line - 1 :]
    phrase = r"\s+".join(map(re.escape, finding.phrase.split()))
    words = re.search(phrase, "\n".join(below))
    if words is None:
        yield Mark(finding.line, 0, len(below[0]), finding.rule)
        return
    begin = 0
    for number, line in enumerate(below, finding.line):
        start, end = max(words.start() - begin, 0), min(words.end() - begin, len(line))
        if start < end:
            yield Mark(number, start, end, finding.rule)
        begin += len(line) + 1


# --- the rows that are shown ---------------------------------------------------------------------


class _Row(NamedTuple):
    """A row of the picture: the characters from ``start`` to ``end`` of a line."""

    line: int
    start: int
    end: int


def _rows(text: LintedText) -> list[_Row]:
    """The text in rows that fit; if there are too many, only those of the lines with findings."""
    rows = [row for number, line in enumerate(text.lines, 1) for row in _wrapped(number, line)]
    if len(rows) > ROWS:
        marked = {mark.line for mark in text.marks}
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


def _row_text(text: LintedText, row: _Row) -> str:
    """A row as it is drawn: the number of its line before the first, and its characters.

    A box stands for each character that the font lacks, so that nothing moves and nothing warns.
    """
    number = "" if row.start else str(row.line)
    characters = text.lines[row.line - 1][row.start : row.end].replace("\t", " ")
    drawn = "".join(char if _is_drawn(char) else "\ufffd" for char in characters)
    return f"{number:>{MARGIN - 2}}  {drawn}"


@cache
def _is_drawn(char: str) -> bool:
    return bool(get_font(findfont(FontProperties(family=FONT))).get_char_index(ord(char)))


# --- lint as you type ----------------------------------------------------------------------------


@base.styled()
def lint_explorer(text: str, people: Sequence[str] = (), lowest_sli: int = 50) -> Explorer:
    """A text to rewrite, with the lint's findings marked where they stand, and counted by rule.

    ``lowest_sli`` is in percent: above 0 there was no outage.
    """
    figure = blank_figure(4.1)
    artists = _build_axes(figure)

    def update(text: str, lowest_sli: int) -> Model:
        linted = lint_text(text, people, lowest_sli / 100)
        _update_artists(artists, linted)
        return _model(linted)

    box = Textarea(text, description="Text", rows=max(5, text.count("\n") + 2))
    sli = slider("Lowest SLI (%)", 0, 100, 1, lowest_sli)
    explorer = Explorer(figure, artists, {"text": box, "lowest_sli": sli}, update, _describe)
    box.layout.max_width = "calc(100% - 4px)"  # wider than a slider needs to be, with its margin
    return explorer


@base.styled()
def plot_lint(text: str, people: Sequence[str] = (), lowest_sli: float | None = None) -> Plot:
    """A text with its findings marked, and counted by rule."""
    linted, figure = lint_text(text, people, lowest_sli), base.new_figure(4.6)
    _update_artists(_build_axes(figure), linted)
    return Plot(figure, _describe(_model(linted)))


def _model(text: LintedText) -> Model:
    counts, first = text.counts, None
    if text.findings:
        finding = text.findings[0]
        first = f"line {finding.line}, {finding.phrase}: {finding.suggestion}"
    by_rule = {rule: counts[rule] for rule in RULE_COLOURS if rule in counts}
    return {"lines": len(text.lines), "findings": len(text.findings), **by_rule, "first": first}


def _describe(model: Model) -> str:
    lines, findings = _counted(model["lines"], "line"), _counted(model["findings"], "finding")
    if not model["findings"]:
        nothing = "no finding: nothing in its words blames or is vague"
        return f"{lines}, {nothing}. Whether it is true, no lint can tell."
    counts = ", ".join(f"{rule} {model[rule]}" for rule in RULE_COLOURS if rule in model)
    first = model["first"].removeprefix("line 0, ")
    return f"{lines}, {findings}: {counts}. {first[0].upper()}{first[1:]}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _build_axes(figure: Figure) -> dict[str, Any]:
    """Draw the axes; return the rows of the text, the marks behind them and the bars."""
    figure.set_layout_engine("none")
    page = figure.add_axes((0.01, 0.52, 0.98, 0.42))
    page.set(title="The text, as far as it fits", ylim=(ROWS, 0), xticks=[], yticks=[])
    page.grid(False)
    page.spines[["left", "bottom"]].set_visible(False)
    font = {"family": FONT, "fontsize": 1.23 * figure.get_figwidth()}  # so that a row just fits
    look: Look = {"va": "center_baseline", "parse_math": False, "zorder": 3, **font}
    rows = {f"row {row}": page.text(0, row + 0.5, "", **look) for row in range(ROWS)}
    page.set_xlim(0, page.bbox.width / _character_width(figure, rows["row 0"]))  # in characters
    marks = page.add_collection(PolyCollection([], alpha=0.45, lw=0), autolim=False)
    return {"marks": marks, **rows, **_bars(figure)}


def _character_width(figure: Figure, row: Text) -> float:
    """How many dots a character takes, once hinted: not quite what its size says."""
    row.set_text("x" * COLUMNS)
    width: float = row.get_window_extent(FigureCanvasAgg(figure).get_renderer()).width
    return width / COLUMNS


def _bars(figure: Figure) -> dict[str, Any]:
    axes = figure.add_axes((0.21, 0.11, 0.52, 0.32))
    axes.set(title="Findings by rule", xlabel="findings")
    axes.set(xlim=(0, LONGEST_BAR + 0.8), xticks=range(LONGEST_BAR + 1))
    bars = axes.barh(range(len(RULE_COLOURS)), 0, 0.7, color=list(RULE_COLOURS.values()))
    base.label_rows(axes, list(RULE_COLOURS), fontsize=8.5)
    axes.grid(False, axis="y")
    handles = [Patch(color=colour, label=kind) for kind, (colour, _) in RULE_KINDS.items()]
    axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.05, 1))
    artists: dict[str, Any] = {}
    for row, (rule, bar) in enumerate(zip(RULE_COLOURS, bars, strict=True)):
        artists[f"bar {rule}"] = bar
        artists[f"count {rule}"] = axes.text(0, row, "", va="center", fontsize=8.5)
    return artists


def _update_artists(artists: dict[str, Any], text: LintedText) -> None:
    rows, counts = _rows(text), text.counts
    shown = [_row_text(text, row) for row in rows]
    boxes, colours = [], []
    for number, row in enumerate(rows):
        for mark in text.marks:
            left, right = max(mark.start, row.start), min(mark.end, row.end)
            if mark.line == row.line and left < right:
                boxes.append(_box(number, MARGIN + left - row.start, MARGIN + right - row.start))
                colours.append(RULE_COLOURS[mark.rule])
    for number in range(ROWS):
        artists[f"row {number}"].set_text(shown[number] if number < len(rows) else "")
    artists["marks"].set(verts=boxes, facecolor=colours)
    for rule in RULE_COLOURS:
        end = min(counts[rule], LONGEST_BAR)
        artists[f"bar {rule}"].set_width(end)
        artists[f"count {rule}"].set(text=str(counts[rule] or ""), x=end + 0.1)


def _box(row: int, left: float, right: float) -> list[tuple[float, float]]:
    """The corners of a mark in a row."""
    top, bottom = row + 0.05, row + 0.95
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


# --- the evening, and the same fault replayed ----------------------------------------------------

Steps = list[tuple[float, float]]  # the minute after the fault, and the SLI from there on


def replayed(case: ReplayCase, automated: Iterable[str] = ()) -> Steps:
    """The SLI in a replay of a case, from the fault on, as its automations take effect."""
    automated = tuple(automated)
    system = MockSystem(case.symptom, failing=case.error_ratio)
    steps, at = [(0.0, float(system.sli))], replay(case, automated).paged_after
    for mitigation in RUNBOOKS[case.symptom].mitigations:
        if at is not None and mitigation.name in automated:
            at += mitigation.settle
            system.apply(mitigation.name)
            # The last minute of the settle time shows it.
            steps.append((at / MINUTE - 1, float(system.sli)))
    return steps


def recorded(incident: Incident) -> Steps:
    """The SLI of an incident according to its measures, from the impact to the mitigation."""
    good, total = Counter[timedelta](), Counter[timedelta]()  # by the end of what was measured
    for event in incident.events:
        if event.verb == "measure" and event.get("total"):
            end = event.at - incident.impact_start
            good[end] += event.get("good")
            total[end] += event.get("total")
    spans = pairwise([timedelta(), *total])
    steps = [(since / MINUTE, good[end] / total[end]) for since, end in spans]
    impact = incident.metrics().impact
    if impact is None or not steps:
        return steps
    felt = [(minute, sli) for minute, sli in steps if minute < impact / MINUTE]
    return [*felt, (impact / MINUTE, felt[-1][1])]


@base.styled()
def plot_replay(case: ReplayCase, incident: Incident, automated: Sequence[str]) -> Plot:
    """The SLI of an evening, and of the same fault replayed without and with these automations."""
    verdict, limit = replay(case, automated), case.restore_within / MINUTE
    evening, bare, fixed = recorded(incident), replayed(case), replayed(case, automated)
    end = max([limit + 10, *(minute for minute, _ in evening)])
    lowest = min(sli for _, sli in [*evening, *bare])
    figure = base.new_figure(3.9)
    axes = figure.subplots()
    axes.set(title=f"{case.id}: the same fault, three times", ylabel="good, %")
    axes.set(xlabel="minutes since the fault", xlim=(0, end), ylim=(100 * lowest - 8, 104))
    axes.axvspan(limit, end, color=GREY, alpha=SHADE, lw=0, label="too late")
    if verdict.paged_after is not None:
        axes.axvline(verdict.paged_after / MINUTE, color=ORANGE, lw=2, ls=":", label="page")
    axes.axhline(case.slo.target * 100, color=INK, lw=1, ls="--", label="target")
    _draw_steps(axes, evening, "as recorded", GREY)
    _draw_steps(axes, [*bare, (end, bare[-1][1])], "replayed, nothing automated", VERMILION, "--")
    _draw_steps(axes, [*fixed, (end, fixed[-1][1])], "replayed with the fix", BLUE)
    base.legend_below(figure)
    path = ", ".join(f"{sli:.1%} from minute {minute:.0f}" for minute, sli in fixed[1:])
    numbers = (
        f"{1 - case.error_ratio:.1%} good from the fault on, "
        f"paged after {duration_text(verdict.paged_after)}, "
        f"limit {duration_text(case.restore_within)}. "
        f"As recorded: mitigated after {duration_text(incident.metrics().impact)}. "
        f"Replayed, nothing automated: {_restored(replay(case))}. "
        f"Replayed with the fix: {path}; {_restored(verdict)}."
    )
    return Plot(figure, numbers)


def _restored(verdict: Verdict) -> str:
    if verdict.restored_after is None:
        return "not restored"
    return f"restored after {duration_text(verdict.restored_after)}"


def _draw_steps(axes: Axes, steps: Steps, label: str, colour: str, ls: str = "-") -> None:
    minutes, shares = [minute for minute, _ in steps], [100 * sli for _, sli in steps]
    axes.step(minutes, shares, where="post", color=colour, lw=2, ls=ls, label=label)
