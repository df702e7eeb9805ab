"""What the plots draw: arrays, spans, labels and units. Pictures are never compared."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.dates import num2date
from matplotlib.figure import Figure

from oncall.alerting import (
    Alert,
    AlertEvaluator,
    BurnRule,
    SilenceRule,
    alert_intervals,
    google_policy,
)
from oncall.counts import Counts
from oncall.incident import Incident
from oncall.slo import SLO, burn_rate, sli
from oncall.telemetry.engine import burn_rates
from oncall.times import HOUR, MINUTE
from oncall.workbook.plots import Plot, plot_burn, plot_timeline
from oncall.workbook.plots.colours import ACTION_COLOURS
from oncall.workbook.plots.timeline import impact_span, stays

START = datetime(2024, 12, 4, 22, 0, tzinfo=UTC)
AVAILABILITY = SLO("availability", 0.99)
POLICY = google_policy()
PAGE, TICKET = POLICY[0], POLICY[2]

# Four hours by the minute: fine but for half failing from 23:00 to 23:30, and no traffic for five.
TOTAL = [100] * 180 + [0] * 5 + [100] * 55
GOOD = [100] * 60 + [50] * 30 + [100] * 90 + [0] * 5 + [100] * 55
COUNTS = Counts(START, MINUTE, GOOD, TOTAL)
OUTAGE = (START + HOUR, START + HOUR + 30 * MINUTE)


@pytest.fixture(scope="module")
def burn() -> Plot:
    return plot_burn(COUNTS, AVAILABILITY, POLICY, impact=[OUTAGE])


def line(axes: Axes, label: str) -> Any:
    return next(line for line in axes.lines if line.get_label() == label)


def spans(patches: Sequence[Any]) -> list[tuple[datetime, datetime]]:
    """The moments at which rectangles begin and end, to the second."""
    sides = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in patches]
    return [(moment(left), moment(right)) for left, right in sides]


def moment(days: float) -> datetime:
    return (num2date(days, tz=UTC) + timedelta(milliseconds=500)).replace(microsecond=0)


def shaded(axes: Axes, colour: str) -> list[tuple[datetime, datetime]]:
    rectangles = [patch for patch in axes.patches if hasattr(patch, "get_x")]
    return spans([box for box in rectangles if to_hex(box.get_facecolor()) == colour.lower()])


def impact(axes: Axes) -> list[tuple[datetime, datetime]]:
    names = ("users feel it", "from first to last harm")
    return spans([patch for patch in axes.patches if patch.get_label() in names])


def lanes(axes: Axes) -> dict[str, list[tuple[datetime, datetime]]]:
    """For each lane, by its label, the bars in it."""
    found = {}
    for label, bars in zip(axes.get_yticklabels(), axes.collections, strict=True):
        boxes = [path.get_extents() for path in bars.get_paths()]
        found[label.get_text()] = [(moment(box.x0), moment(box.x1)) for box in boxes]
    return found


# --- plot_burn -----------------------------------------------------------------------------------


def test_the_sli_is_drawn_in_percent_for_each_bucket_with_a_gap_where_nothing_was_counted(
    burn: Plot,
) -> None:
    patches: dict[str, Any] = {
        str(patch.get_label()): patch for patch in burn.figure.axes[0].patches
    }
    steps = patches["SLI"].get_data()
    expected = [100 * sli(good, total) for good, total in zip(GOOD, TOTAL, strict=True)]
    np.testing.assert_allclose(steps.values, expected)
    assert np.isnan(steps.values).sum() == 5
    assert [moment(edge) for edge in steps.edges[:2]] == [START, START + MINUTE]
    assert moment(steps.edges[-1]) == COUNTS.end


def test_the_burn_lines_are_what_the_evaluator_sees_at_the_end_of_each_bucket(burn: Plot) -> None:
    evaluator = AlertEvaluator(AVAILABILITY, POLICY, MINUTE)
    expected: dict[str, list[float]] = {"last 1h": [], "last 5m": []}
    for good, total in zip(GOOD, TOTAL, strict=True):
        evaluator.observe(good, total)
        for label, window in (("last 1h", HOUR), ("last 5m", 5 * MINUTE)):
            expected[label].append(burn_rate(sli(*evaluator.window(window)), AVAILABILITY))
    for label, burns in expected.items():
        drawn = line(burn.figure.axes[1], label)
        np.testing.assert_allclose(drawn.get_ydata(), burns, atol=1e-9)
        assert moment(drawn.get_xdata()[0]) == START + MINUTE
    # Only one window of five minutes has no traffic at all.
    assert np.isnan(expected["last 5m"]).sum() == 1


def test_target_and_threshold_are_drawn_and_named(burn: Plot) -> None:
    assert line(burn.figure.axes[0], "target 99%").get_ydata()[0] == pytest.approx(99)
    assert line(burn.figure.axes[1], "threshold 14.4x").get_ydata()[0] == 14.4


def test_every_rule_has_a_lane_whose_bars_are_when_it_fired(burn: Plot) -> None:
    drawn = lanes(burn.figure.axes[2])
    assert drawn.pop("users feel it") == [OUTAGE]
    pages, tickets = ["page 14.4x 1h/5m", "page 6x 6h/30m"], ["ticket 3x 1d/2h", "ticket 1x 3d/6h"]
    assert list(drawn) == pages + tickets
    fired = alert_intervals(COUNTS, AVAILABILITY, POLICY)
    for rule, bars in zip(POLICY, drawn.values(), strict=True):
        alerts = [alert for alert in fired if alert.rule == rule]
        assert bars == [(alert.start, alert.end or COUNTS.end) for alert in alerts]
    assert drawn["page 14.4x 1h/5m"]
    # Still firing: drawn to the end of the data.
    assert drawn["ticket 1x 3d/6h"][-1][1] == COUNTS.end


def test_overlapping_rules_of_one_action_are_shaded_once(burn: Plot) -> None:
    drawn = lanes(burn.figure.axes[2])
    first, second = drawn["page 14.4x 1h/5m"], drawn["page 6x 6h/30m"]
    assert first[0][0] < second[0][1]
    assert second[0][0] < first[0][1]
    shades = shaded(burn.figure.axes[1], ACTION_COLOURS["page"])
    assert shades == [(min(first[0][0], second[0][0]), max(first[-1][1], second[-1][1]))]


def test_the_impact_is_shaded_where_users_felt_it(burn: Plot) -> None:
    assert impact(burn.figure.axes[0]) == [OUTAGE]


def test_an_impact_that_has_not_ended_is_drawn_to_the_end() -> None:
    plot = plot_burn(COUNTS, AVAILABILITY, POLICY, impact=[(START + HOUR, None)])
    assert lanes(plot.figure.axes[2])["users feel it"] == [(START + HOUR, COUNTS.end)]


def test_the_numbers_say_in_one_line_what_is_drawn(burn: Plot) -> None:
    assert "\n" not in burn.numbers
    for part in (
        "2024-12-04 22:00 to 02:00 UTC",
        "lowest SLI 50.0% in the 1m to 23:01",
        "highest burn of the last 1h 25.0x at 23:30",
        "highest burn of the last 5m 50.0x at 23:05",
        "page 14.4x 1h/5m 23:18 to 23:34",
    ):
        assert part in burn.numbers


def test_a_cut_keeps_what_the_windows_remember_from_before() -> None:
    since = START + HOUR + 20 * MINUTE
    cut = plot_burn(COUNTS, AVAILABILITY, POLICY, since=since, until=since + HOUR)
    drawn = line(cut.figure.axes[1], "last 1h").get_ydata()
    np.testing.assert_allclose(drawn, burn_rates(COUNTS, AVAILABILITY, [HOUR])[HOUR][80:140])
    cut_at_the_left = (since, START + HOUR + 34 * MINUTE)
    assert lanes(cut.figure.axes[2])["page 14.4x 1h/5m"] == [cut_at_the_left]
    assert cut.figure.axes[2].get_xlabel() == "time (UTC), from 2024-12-04 23:20 to 00:20"


def test_rules_that_fire_often_are_counted_in_the_numbers() -> None:
    waves = Counts(START, MINUTE, ([100] * 60 + [0] * 10) * 5 + [100] * 60, [100] * 410)
    rule = BurnRule(5 * MINUTE, 5 * MINUTE, 14.4)
    numbers = plot_burn(waves, AVAILABILITY, (rule,)).numbers
    assert numbers.count("highest burn") == 1  # two windows alike are drawn as one
    assert "page 14.4x 5m/5m 5 times from 23:01 to 03:55" in numbers


def test_a_series_without_events_says_so_and_draws_nothing() -> None:
    plot = plot_burn(Counts(START, MINUTE, [0] * 10, [0] * 10), AVAILABILITY, POLICY)
    assert plot.numbers == "2024-12-04 22:00 to 22:10 UTC: no events; 4 of 4 rules silent."
    assert plot.png()


def test_silence_has_a_lane_too_and_the_lines_are_those_of_the_first_burn_rule() -> None:
    policy = (SilenceRule(5 * MINUTE), PAGE)
    plot = plot_burn(COUNTS, AVAILABILITY, policy)
    silence = (START + 185 * MINUTE, START + 186 * MINUTE)
    assert lanes(plot.figure.axes[2])["page silence 5m"] == [silence]
    assert line(plot.figure.axes[1], "last 1h")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"policy": (SilenceRule(HOUR),)}, "no burn rule"),
        ({"since": COUNTS.end}, "no bucket"),
        ({"policy": (BurnRule(HOUR, 90 * timedelta(seconds=1), 2.0),)}, "1m30s"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_a_reason(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        plot_burn(COUNTS, AVAILABILITY, **{"policy": POLICY, **arguments})


# --- plot_timeline -------------------------------------------------------------------------------


def incident() -> Incident:
    """Detected after 18 minutes, mitigated after 30, back an hour later, and mitigated again."""

    def at(minutes: int, by: str = "ana") -> dict[str, Any]:
        return {"at": START + minutes * MINUTE, "by": by}

    return (
        Incident("INC-001", "provider outage", AVAILABILITY, "model_provider_outage", START)
        .detect(Alert("page", "sev1", 50.0, "14.4x 1h/5m"), **at(18, "alerts"))
        .note("paged ana", **at(18, "pager"))
        .acknowledge(**at(20))
        .triage("sev1", "ana", **at(22))
        .mitigate("fail_over", **at(22, "ops"))
        .mitigated(**at(30))
        .mitigate("serve_cached", **at(90, "ops"))
        .mitigated(**at(100))
    )


def test_stays_follow_the_journal_and_leave_out_remarks() -> None:
    found = [(stay.state, (stay.start - START) // MINUTE, stay.why) for stay in stays(incident())]
    assert found == [
        ("new", 0, "users feel it"),
        ("detected", 18, "alerts: detect"),
        ("acknowledged", 20, "ana: acknowledge"),
        ("triaged", 22, "ana: triage"),
        ("mitigating", 22, "ops: mitigate"),
        ("mitigated", 30, "ana: mitigated"),
        ("mitigating", 90, "ops: mitigate"),
        ("mitigated", 100, "ana: mitigated"),
    ]
    assert all(before.end == after.start for before, after in pairwise(stays(incident())))


def test_the_timeline_draws_each_stay_as_a_bar_in_the_row_of_its_state() -> None:
    axes = plot_timeline(incident()).figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    boxes = [path.get_extents() for bars in axes.collections for path in bars.get_paths()]
    drawn = [
        (names[round(box.y0 + box.height / 2)], moment(box.x0), moment(box.x1)) for box in boxes
    ]
    lasting = [stay for stay in stays(incident()) if stay.end and stay.end > stay.start]
    assert drawn == [(stay.state, stay.start, stay.end) for stay in lasting]
    dots = [(names[int(dot.get_ydata()[0])], moment(dot.get_xdata()[0])) for dot in axes.lines]
    assert dots == [("triaged", START + 22 * MINUTE), ("mitigated", START + 100 * MINUTE)]


def test_the_timeline_shades_the_time_that_users_felt_it() -> None:
    axes = plot_timeline(incident()).figure.axes[0]
    assert impact(axes) == [impact_span(incident())]


def test_the_timelines_numbers_are_its_states_and_metrics() -> None:
    assert plot_timeline(incident()).numbers == (
        "INC-001, 2024-12-04 UTC: new 22:00, detected 22:18, acknowledged 22:20, triaged 22:22, "
        "mitigating 22:22, mitigated 22:30, mitigating 23:30, mitigated 23:40. "
        "TTD 18m, TTA 2m, TTM 1h22m, TTR unknown, impact 1h40m."
    )


def test_a_record_without_events_has_a_timeline() -> None:
    plot = plot_timeline(Incident("INC-002", "nobody noticed", AVAILABILITY, "stale_index", START))
    assert plot.numbers.startswith("INC-002, 2024-12-04 UTC: new 22:00. TTD unknown")
    assert plot.png()


# --- every plot ----------------------------------------------------------------------------------

PLOTS = {
    "burn": lambda: plot_burn(COUNTS, AVAILABILITY, POLICY, impact=[OUTAGE]),
    "timeline": lambda: plot_timeline(incident()),
}


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_a_plot_has_a_title_and_its_time_axis_says_utc(make: Any) -> None:
    figure: Figure = make().figure
    assert figure.get_suptitle()
    assert figure.axes[0].get_title(loc="left")
    assert figure.axes[-1].get_xlabel().startswith("time (UTC)")


def test_the_axes_name_their_units(burn: Plot) -> None:
    assert [axes.get_ylabel() for axes in burn.figure.axes[:2]] == ["good, %", "burn rate, x"]


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_a_legend_covers_nothing_and_nothing_is_clipped(make: Any) -> None:
    plot = make()
    plot.png()
    figure = plot.figure
    frame = figure.bbox
    for axes in figure.axes:
        inside = axes.get_window_extent()
        if legend := axes.get_legend():
            box, title = legend.get_window_extent(), axes._left_title.get_window_extent()
            assert box.y0 >= inside.y1
            assert box.x0 > title.x1
        ticks = [*axes.get_xticklabels(), *axes.get_yticklabels()]
        for text in [*ticks, axes.xaxis.label, axes.yaxis.label]:
            if not text.get_text():
                continue
            box = text.get_window_extent()
            assert frame.x0 <= box.x0
            assert box.x1 <= frame.x1 + 1
            assert frame.y0 <= box.y0


@pytest.mark.parametrize("make", PLOTS.values(), ids=PLOTS)
def test_a_picture_is_the_same_bytes_every_time_whatever_the_readers_settings(make: Any) -> None:
    first = make().png()
    assert b"Software" not in first
    width, _ = struct.unpack(">II", first[16:24])
    assert width == 820
    mine = {"font.size": 20, "savefig.dpi": 50, "axes.grid": False, "timezone": "Asia/Tokyo"}
    with matplotlib.rc_context(mine):
        assert make().png() == first


def test_plotting_does_not_load_pyplot() -> None:
    code = "import sys, oncall.workbook.plots; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_page_and_ticket_differ_in_lightness_too() -> None:
    def lightness(colour: str) -> float:
        red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    assert abs(lightness(ACTION_COLOURS["page"]) - lightness(ACTION_COLOURS["ticket"])) > 40
