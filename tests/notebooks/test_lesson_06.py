"""Lesson 06: one record, resolved too early and reopened, and the times that are read from it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stored import printed

from oncall.incident import Incident
from oncall.times import DAY
from oncall.workbook.lessons.public_incidents import times_text
from oncall.workbook.plots import plot_timeline

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "06_the_incident_record.ipynb"
SHOWN = printed(NOTEBOOK)


def test_the_reopened_record_tells_the_same_times_as_the_one_left_open(
    lesson: dict[str, Any],
) -> None:
    ours, healed, early = lesson["ours"], lesson["healed"], lesson["early"]
    assert ours.metrics() == healed.metrics()
    assert early.metrics().ttr == timedelta(minutes=3, seconds=8)
    assert f"ana's, reopened: {times_text(ours)}" in SHOWN
    verbs = [event.verb for event in healed.events]
    assert verbs.count("resolve") == 2
    assert verbs.index("reopen") < len(verbs) - 1


def test_after_a_second_fault_the_end_is_unknown_until_it_is_mitigated(
    lesson: dict[str, Any],
) -> None:
    metrics = lesson["second_fix"].metrics()
    assert (metrics.ttm, metrics.impact, metrics.ttr) == (None, None, None)
    assert metrics.tta is not None


def test_the_five_times_are_drawn_from_where_they_are_counted(lesson: dict[str, Any]) -> None:
    healed: Incident = lesson["healed"]
    _, below = plot_timeline(healed, times=True).figure.axes[:2]
    spans = [bars.get_paths()[0].get_extents() for bars in below.collections]
    metrics = healed.metrics()
    assert metrics.ttd is not None
    for name, span in zip(vars(metrics), spans, strict=True):
        first = healed.impact_start + (timedelta() if name in ("ttd", "impact") else metrics.ttd)
        assert span.x0 * DAY.total_seconds() == pytest.approx(first.timestamp(), abs=1)
        length = getattr(metrics, name).total_seconds()
        assert (span.x1 - span.x0) * DAY.total_seconds() == pytest.approx(length, abs=1)
    names = [label.get_text() for label in below.get_yticklabels()]
    assert names == ["TTD", "TTA", "TTM", "TTR", "impact"]


def test_a_time_that_is_not_known_has_a_row_and_no_bar(lesson: dict[str, Any]) -> None:
    _, below = plot_timeline(lesson["second_fix"], times=True).figure.axes[:2]
    assert len(below.collections) == 2  # TTD and TTA
    assert len(below.get_yticklabels()) == 5


def test_the_table_is_the_librarys_and_the_worked_answer_reads_from_it() -> None:
    for line in ("from 20%     sev1     sev2     sev3", "from 1%      sev3     sev4     sev5"):
        assert line in SHOWN
    solution = NOTEBOOK.parent / "solutions" / NOTEBOOK.name
    assert "{'a': 'sev1', 'b': 'sev2', 'c': 'sev3', 'd': 'sev3'" in printed(solution)
