"""Incident records under random use: states stay the listed ones, journals keep what they hold."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from examples import examples
from hypothesis import assume, given
from hypothesis import strategies as st

from oncall.alerting import Alert
from oncall.incident import IllegalTransition, Incident, metrics
from oncall.journal import LEARN_KINDS, SECURITY_STEPS, STATES, STATUSES, TRANSITIONS, TornJournal
from oncall.severity import SEVERITIES
from oncall.slo import SLO
from oncall.times import parse_moment

START = datetime(2024, 12, 4, 23, 48, tzinfo=UTC)
NOTHING = timedelta()

# What breaks line-based files: line ends of every kind, quotes, braces, and surrogates, for which
# UTF-8 has no place.
awkward = st.sampled_from('\n\r\x0b\x0c\x1c\x85\u2028\u2029\0"\\{}[], \ufeff\ud800\udc00\udfff')
texts = st.text(st.one_of(st.characters(), awkward), max_size=12)
words = texts.filter(str.strip)  # what says something
kathmandu, marquesas = timedelta(hours=5, minutes=45), -timedelta(hours=9, minutes=30)
zones = st.sampled_from([UTC, timezone(kathmandu), timezone(marquesas)])
moments = st.datetimes(datetime(1971, 1, 1), datetime(2199, 1, 1), timezones=zones)
actions, severities = st.sampled_from(("page", "ticket")), st.sampled_from(SEVERITIES)
alerts = st.builds(Alert, actions, severities, st.floats(0, 1e9), words)
targets = st.floats(0, 1, exclude_min=True, exclude_max=True)
periods = st.timedeltas(timedelta(microseconds=1), timedelta(days=3650))
slos = st.builds(SLO, words, targets, periods)
numbers = st.none() | st.integers(0, 9)


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int]:
    total = draw(st.integers(0, 2**70))
    return draw(st.integers(0, total)), total


ARGUMENTS: dict[str, st.SearchStrategy[tuple[Any, ...]]] = {
    "detect": st.tuples(st.none() | alerts),
    "triage": st.tuples(severities, words),
    "mitigate": st.tuples(words),
    "close": st.tuples(st.none() | texts),
    "note": st.tuples(words),
    "update": st.tuples(words),
    "measure": counts(),
    "sample": st.tuples(texts, texts, texts),
    "page": st.tuples(words, numbers, numbers),
    "rollback": st.tuples(words),
    "learn": st.tuples(st.sampled_from(LEARN_KINDS), words),
    "look": st.tuples(words),
    "suspect": st.tuples(words),
    "ask": st.tuples(words),
    "approval": st.tuples(words, st.booleans()),
    "predict": st.tuples(st.floats(0, 100)),
    "secure": st.tuples(st.sampled_from(SECURITY_STEPS)),
}


def optional(**named: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=named)


NAMED: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "triage": optional(ops=words, comms=words, scribe=words),
    "resolve": optional(auto_recovered=st.booleans()),
    "mitigate": optional(value=words),
    "correct": st.fixed_dictionaries({"impact_start": moments}),
    "update": optional(status=st.sampled_from(STATUSES), percent=st.floats(0, 100)),
}


def attempt(draw: Callable[..., Any], incident: Incident, verb: str, at: datetime) -> Incident:
    """The incident after a verb with random arguments."""
    arguments = draw(ARGUMENTS.get(verb, st.just(())))
    named = draw(NAMED.get(verb, st.just({})))
    after: Incident = getattr(incident, verb)(*arguments, at=at, by=draw(words), **named)
    return after


@st.composite
def records(draw: st.DrawFn) -> Incident:
    """A legal record of up to 20 events, deep states included."""
    incident = Incident(draw(words), draw(words), draw(slos), draw(words), draw(moments))
    at = draw(moments)
    for _ in range(draw(st.integers(0, 20))):
        legal = [verb for verb, moves in TRANSITIONS.items() if incident.state in moves]
        verb = draw(st.sampled_from([*legal, "resolve"]))  # which may be legal beside the table
        try:
            incident = attempt(draw, incident, verb, at)
        except IllegalTransition:
            continue
        at += draw(st.timedeltas(NOTHING, timedelta(days=2)))
    return incident


def first_events(incident: Incident, count: int) -> Incident:
    """The record as it was after this many events; what is corrected later was not known then."""
    start, events = incident.impact_start, incident.events[:count]
    if later := [event for event in incident.events[count:] if event.verb == "correct"]:
        start = parse_moment(later[0].get("was"))
    return replace(incident, impact_start=start, events=events)


@contextmanager
def journal_file() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "journal.jsonl"


verbs_and_minutes = st.tuples(st.sampled_from(list(TRANSITIONS)), st.integers(-1, 3))


@examples(100)
@given(st.data(), st.lists(verbs_and_minutes, max_size=15))
def test_any_verbs_in_any_order_are_refused_or_leave_a_listed_state(
    data: st.DataObject, script: list[tuple[str, int]]
) -> None:
    incident = Incident("INC-001", "t", SLO("availability", 0.999), "s", START)
    at = START
    for verb, minutes in script:
        before = incident
        at += timedelta(minutes=minutes)
        try:
            incident = attempt(data.draw, incident, verb, at)
        except IllegalTransition as error:
            message = str(error)
            assert message.startswith(f"INC-001 is {before.state}: {verb} ")
            assert "; allowed: " in message
            assert incident is before
        else:
            assert incident.events[:-1] == before.events
            assert incident.events[-1].at == at
            assert before.state != "closed"
        assert incident.state in STATES
        recorded_at = [event.at for event in incident.events]
        assert recorded_at == sorted(recorded_at)


@examples(120)
@given(records())
def test_what_is_saved_is_what_is_loaded(incident: Incident) -> None:
    with journal_file() as path, warnings.catch_warnings():
        warnings.simplefilter("error")
        incident.save(path)
        assert Incident.load(path) == incident
        assert path.read_bytes().count(b"\n") == 1 + len(incident.events)


@examples(60)
@given(records(), st.data())
def test_how_often_it_was_saved_on_the_way_cannot_be_seen(
    incident: Incident, data: st.DataObject
) -> None:
    stops = data.draw(st.lists(st.integers(0, len(incident.events)), max_size=6))
    with journal_file() as at_once, journal_file() as in_steps:
        incident.save(at_once)
        for stop in (*stops, len(incident.events)):
            first_events(incident, stop).save(in_steps)
        assert at_once.read_bytes() == in_steps.read_bytes()


@examples(60)
@given(records(), st.data())
def test_a_file_cut_anywhere_holds_a_beginning_of_the_record_and_is_mended_by_a_save(
    incident: Incident, data: st.DataObject
) -> None:
    with journal_file() as path, warnings.catch_warnings():
        warnings.simplefilter("ignore", TornJournal)
        incident.save(path)
        whole = path.read_bytes()
        header = whole.index(b"\n")
        cut = data.draw(st.integers(header, len(whole)))
        path.write_bytes(whole[:cut])
        lines = whole[: cut + 1].count(b"\n")  # a line that lacks only its newline counts
        assert Incident.load(path) == first_events(incident, lines - 1)
        incident.save(path)
        assert path.read_bytes() == whole


@examples(60)
@given(records(), records())
def test_a_record_is_never_saved_over_another(first: Incident, second: Incident) -> None:
    assume(first_events(first, 0) != first_events(second, 0))
    with journal_file() as path:
        first.save(path)
        with pytest.raises(ValueError, match="another record"):
            second.save(path)
        assert Incident.load(path) == first


@examples(120)
@given(records())
def test_metrics_are_pure_and_follow_the_order_of_events(incident: Incident) -> None:
    times = metrics(incident)
    assert times == metrics(incident) == metrics(replace(incident))
    verbs = {event.verb for event in incident.events}
    ended = incident.state in ("resolved", "closed") and "false_alarm" not in verbs
    assert (times.ttd is not None) == ("detect" in verbs)
    assert (times.tta is not None) == ("acknowledge" in verbs)
    assert (times.ttr is not None) == ended
    assert (times.ttm is not None) == (ended or incident.state == "mitigated")
    assert (times.impact is not None) == (times.ttm is not None)
    for length in (times.tta, times.ttm, times.ttr):
        assert length is None or length >= NOTHING
    if times.ttr is not None:
        assert times.ttm is not None
        assert times.ttm <= times.ttr
        assert times.tta is None or times.tta <= times.ttr
    if times.ttm is not None:
        assert times.ttd is not None
        assert times.impact == times.ttd + times.ttm


@examples(60)
@given(records(), texts)
def test_a_remark_changes_no_state_severity_or_time(incident: Incident, text: str) -> None:
    assume(incident.state != "closed")
    at = incident.events[-1].at if incident.events else START
    after = incident.sample(text, text, text, at=at, by="ana")
    assert after.state == incident.state
    assert after.severity == incident.severity
    assert after.metrics() == incident.metrics()
