"""SLI, burn rate and alerts of a series of counts, over the same time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import numpy as np
from matplotlib.axes import Axes

from oncall.alerting import BurnRule, Policy, Rule
from oncall.counts import Counts
from oncall.slo import SLO, percent
from oncall.telemetry.engine import alert_intervals, burn_rates
from oncall.times import MINUTE, duration_text
from oncall.workbook.plots import base
from oncall.workbook.plots.base import Floats, OpenSpan, Plot, Span
from oncall.workbook.plots.colours import ACTION_COLOURS, BLUE, GREY, INK, SKY

Burns = Mapping[timedelta, Floats]  # by window: the burn rate at the end of each bucket
Fired = Mapping[Rule, tuple[Span, ...]]


@base.styled()
def plot_burn(
    counts: Counts,
    slo: SLO,
    policy: Policy,
    *,
    impact: Iterable[OpenSpan] = (),
    since: datetime | None = None,
    until: datetime | None = None,
) -> Plot:
    """SLI, burn rate and alerts of a series, over the same time in UTC.

    The burn rate is that of the two windows of the policy's first burn rule, its factor the
    threshold. Every rule has a lane that shows when it fired. ``impact`` are the spans in which
    users felt it, ``None`` for an end that has not come. ``since`` and ``until`` choose what is
    drawn; the windows and the rules see everything before. A ``ValueError`` when nothing lies
    between them, or when the policy has no burn rule.
    """
    shown = counts.slice(since, until)
    if not len(shown):
        raise ValueError(f"no bucket from {since} to {until}; data: {counts.start} to {counts.end}")
    rule = next((rule for rule in policy if isinstance(rule, BurnRule)), None)
    if rule is None:
        raise ValueError(
            "the policy has no burn rule to draw windows of; give e.g. google_policy()"
        )
    known, felt = counts.slice(None, shown.end), base.clip_spans(impact, shown)
    fired = _fired(known, slo, policy, shown)
    # By window, the long one first; one where the rule has two alike.
    whole = burn_rates(known, slo, (rule.long, rule.short))
    burns = {window: burn[-len(shown) :] for window, burn in whole.items()}

    figure = base.new_figure(4.7 + 0.25 * len(policy))
    base.title_of(figure, f"SLI, burn rate and alerts, {slo}")
    heights = (2, 2, 0.25 * (1 + len(policy)))
    top, middle, bottom = figure.subplots(3, sharex=True, height_ratios=heights)
    _draw_sli(top, shown, slo, felt)
    _draw_burn(middle, shown, rule, burns, fired)
    _draw_lanes(bottom, felt, fired)
    base.time_axis(bottom, shown.start, shown.end)
    return Plot(figure, _describe(shown, burns, fired))


def _fired(known: Counts, slo: SLO, policy: Policy, shown: Counts) -> Fired:
    """When each rule of the policy fired, within the counts shown."""
    spans: dict[Rule, list[OpenSpan]] = {rule: [] for rule in policy}
    for alert in alert_intervals(known, slo, policy):
        spans[alert.rule].append((alert.start, alert.end))
    return {rule: base.clip_spans(spans[rule], shown) for rule in policy}


def _sli(counts: Counts) -> Floats:
    """The SLI of each bucket; ``nan`` where there were no events."""
    with np.errstate(invalid="ignore"):
        return np.true_divide(counts.good, counts.total, dtype=np.float64)


def _draw_sli(axes: Axes, shown: Counts, slo: SLO, felt: Iterable[Span]) -> None:
    axes.set_title(f"SLI of each {duration_text(shown.step)} bucket")
    axes.set_ylabel("good, %")
    base.shade(axes, felt, GREY, "users feel it")
    edges, target = base.bucket_edges(shown), f"target {percent(slo.target)}"
    axes.stairs(_sli(shown) * 100, edges, baseline=None, color=BLUE, lw=1.6, label="SLI")
    axes.axhline(slo.target * 100, color=INK, lw=1, ls="--", label=target)
    base.legend_above(axes)


def _draw_burn(axes: Axes, shown: Counts, rule: BurnRule, burns: Burns, fired: Fired) -> None:
    axes.set_title("Burn rate")
    axes.set_ylabel("burn rate, x")
    for action, colour in ACTION_COLOURS.items():
        spans = [span for each in fired if each.action == action for span in fired[each]]
        base.shade(axes, base.union(spans), colour, action)
    ends = base.bucket_edges(shown)[1:]
    for colour, (window, burn) in zip((BLUE, SKY), burns.items(), strict=False):
        axes.plot(ends, burn, color=colour, lw=1.8, label=f"last {duration_text(window)}")
    axes.axhline(rule.factor, color=INK, lw=1, ls="--", label=f"threshold {rule.factor:.4g}x")
    axes.set_ylim(bottom=0)
    base.legend_above(axes)


def _draw_lanes(axes: Axes, felt: Iterable[Span], fired: Fired) -> None:
    """Draw a lane for users, with bars where they felt it, and one for each rule where it fired."""
    base.draw_bars(axes, felt, 0, 0.7, GREY)
    for row, (rule, spans) in enumerate(fired.items(), 1):
        base.draw_bars(axes, spans, row, 0.7, ACTION_COLOURS[rule.action])
    base.label_rows(axes, ["users feel it", *(f"{rule.action} {rule.name}" for rule in fired)])
    axes.grid(False)


def _describe(shown: Counts, burns: Burns, fired: Fired) -> str:
    start, step, sli = shown.start, shown.step, _sli(shown)
    hours = base.clock_format(start, shown.end)
    clock = hours + ":%S" if step % MINUTE else hours

    def end_of(bucket: np.intp) -> str:
        return f"{start + step * (int(bucket) + 1):{clock}}"

    parts = ["no events"]
    if not np.isnan(sli).all():
        low = np.nanargmin(sli)
        parts = [f"lowest SLI {sli[low]:.1%} in the {duration_text(step)} to {end_of(low)}"]
    for window, burn in burns.items():
        if not np.isnan(burn).all():
            high = np.nanargmax(burn)
            highest = f"highest burn of the last {duration_text(window)} {burn[high]:.1f}x"
            parts.append(f"{highest} at {end_of(high)}")
    silent = sum(not spans for spans in fired.values())
    for rule, spans in fired.items():
        if spans:
            parts.append(f"{rule.action} {rule.name} {_times(spans, clock)}")
    if silent:
        parts.append(f"{silent} of {len(fired)} rules silent")
    return f"{start:%Y-%m-%d %H:%M} to {shown.end:{hours}} UTC: {'; '.join(parts)}."


def _times(spans: tuple[Span, ...], clock: str) -> str:
    if len(spans) > 3:
        return f"{len(spans)} times from {spans[0][0]:{clock}} to {spans[-1][1]:{clock}}"
    return ", ".join(f"{begin:{clock}} to {end:{clock}}" for begin, end in spans)
