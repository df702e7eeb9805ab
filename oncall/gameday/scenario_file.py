"""The TOML file of a scenario: its traffic, faults, red herrings and reviews."""

from __future__ import annotations

import difflib
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from oncall.catalogue import CAUSES, known_mitigation, known_symptom
from oncall.files import one_line, parse_toml, read_text
from oncall.gameday.causes import DIMENSIONS, SLOS, causes
from oncall.gameday.draw import SURPRISE
from oncall.postmortem import ITEM_KINDS
from oncall.scenario import Fault, RedHerring, Review, Scenario
from oncall.slo import SLO
from oncall.times import DAY, MINUTE, parse_duration, parse_moment

_Reader = Callable[[Any], Any]


def read_scenario(path: str | Path) -> Scenario:
    """The scenario in a TOML file; ``data/example_scenario.toml`` shows every field.

    Anything wrong is a ``ValueError`` that names the file, the line if it is known, and the field.
    """
    return parse_scenario(read_text(path), str(path))


def parse_scenario(text: str, name: str = "the scenario") -> Scenario:
    """The scenario in a TOML text; ``name`` is what errors call it."""
    return _scenario(_Table(parse_toml(text, name), text, name))


def _scenario(top: _Table) -> Scenario:
    is_drawn = "causes" in top.values
    slo = top.table("slo") if "slo" in top.values or not is_drawn else None
    traffic = top.table("traffic")
    faults, herrings, reviews = (top.tables(key) for key in ("faults", "red_herrings", "reviews"))
    values: dict[str, Any] = {"title": "", "length": 480 * MINUTE, "errors": 0.0}
    optional: dict[str, _Reader] = {"title": _text, "length": _length, "warm_up": _minutes}
    optional["causes"] = _causes
    values |= top.read({"name": _text, "start": _moment}, optional)
    values |= traffic.read({"requests": _number(0.001, 1e7)}, {"errors": _number(0, 1)})
    of_slo: dict[str, Any] = {"target": 0.99}
    if slo:
        of_slo = slo.read({"target": _target}, {"name": _text, "period": _length})
    if is_drawn and of_slo.get("name", "availability") not in SLOS:
        raise top.error("causes", f"need an SLO of {', '.join(SLOS)}; take [slo] out, say")
    if is_drawn and faults:
        raise top.error("causes", "are drawn, and faults are told; give one or the other")
    values |= {
        "slo": SLO(**{"name": "availability"} | of_slo),
        "faults": tuple(map(_fault, faults)),
        "red_herrings": tuple(map(_red_herring, herrings)),
        "reviews": tuple(map(_review, reviews)),
    }
    try:
        return Scenario(**values)
    except ValueError as error:  # each field fits, but with its length it leaves the calendar
        raise top.error("start", str(error)) from None


def _fault(table: _Table) -> Fault:
    if "felt" in table.values:
        if "synthetic" in table.values:
            raise table.error("felt", "is the old name of the opposite of synthetic; take it out")
        synthetic = not table.read_field("felt", _flag)
        hint = table.error("felt", f"has a new name; write synthetic = {str(synthetic).lower()}")
        warnings.warn(str(hint), FutureWarning, stacklevel=2)  # shown to whoever plays the file
        table.values["synthetic"] = synthetic
        del table.values["felt"]
    needs_runbook = not (table.values.get("synthetic") or table.values.get("lost"))
    symptom = _symptom if needs_runbook else _text
    required = {"symptom": symptom, "start": _span, "error_ratio": _number(0, 1)}
    optional = {"ramp": _span, "duration": _positive_span, "title": _text, "catches": _catches}
    optional |= {"lost": _flag, "synthetic": _flag, "cause": _cause, "segment": _segment}
    if "cause" in table.values:  # it says which symptom
        optional["symptom"] = required.pop("symptom")
    fault = table.read(required, optional)
    of_cause = CAUSES.get(fault.get("cause", ""), "")
    if of_cause and fault.get("symptom", of_cause) != of_cause:
        raise table.error("symptom", f"is {of_cause!r} for this cause; leave it out")
    is_lost = bool(of_cause) and causes()[fault["cause"]].lost
    known: dict[str, Any] = {"symptom": of_cause, "lost": is_lost}
    return Fault(**known | fault)


def _red_herring(table: _Table) -> RedHerring:
    return RedHerring(**table.read({"at": _span, "text": _text}, {}))


def _review(table: _Table) -> Review:
    lists = ("contributing_factors", "went_well", "went_wrong", "lucky")
    return Review(**table.read({}, dict.fromkeys(lists, _texts) | {"action_items": _action_items}))


# --- a table, read field by field ----------------------------------------------------------------


@dataclass
class _Table:
    """A TOML table, the text it stands in, and its path there, such as ``faults[2]``, from 1."""

    values: dict[str, Any]
    text: str
    file: str
    path: str = ""

    def table(self, key: str) -> _Table:
        """A table inside this one, and no longer one of its fields."""
        value = self.values.pop(key, None)
        if not isinstance(value, dict):
            raise self.error(key, f"is missing; write a table [{key}]")
        return replace(self, values=value, path=key)

    def tables(self, key: str) -> list[_Table]:
        """The tables of one name inside this one, and no longer one of its fields."""
        value = self.values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.error(key, f"must be tables; write [[{key}]]")
        rows = enumerate(value, 1)
        return [replace(self, values=row, path=f"{key}[{number}]") for number, row in rows]

    def read(self, required: dict[str, _Reader], optional: dict[str, _Reader]) -> dict[str, Any]:
        """The fields that are there, each read by its reader; one without a reader is an error."""
        for key in required:
            if key not in self.values:
                raise self.error(key, "is missing")
        readers = required | optional
        return {key: self.read_field(key, readers.get(key, _no_field)) for key in self.values}

    def read_field(self, key: str, reader: _Reader) -> Any:
        """One field, read by its reader."""
        try:
            return reader(self.values[key])
        except ValueError as error:
            raise self.error(key, str(error)) from None

    def error(self, key: str, why: str) -> ValueError:
        """What is wrong with a field, and where it stands."""
        line = _line_of(self.text, self.path, key)
        where = f"{self.file}, line {line}" if line else self.file
        return ValueError(f"{where}: {f'{self.path}.' if self.path else ''}{key}: {why}")


def _line_of(text: str, path: str, key: str) -> int:
    """The line that gives a field, or else begins its table; 0 where neither is found."""
    here, seen, found = "", {"": 1}, 0
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*(\[\[?)\s*(\w+)", line):
            name = header[2]
            seen[name] = seen.get(name, 0) + 1
            here = f"{name}[{seen[name]}]" if header[1] == "[[" else name
            found = number if here == path else found
        elif here == path and re.match(rf"\s*\"?{re.escape(key)}\"?\s*[=.]", line):
            return number
    return found


# --- values --------------------------------------------------------------------------------------


def _no_field(value: Any) -> Any:
    raise ValueError("is not a field of a scenario")


def _reader(
    fits: Callable[[Any], object], need: str, parse: _Reader = lambda value: value
) -> _Reader:
    """A reader that parses a value and refuses what does not fit."""

    def read(value: Any) -> Any:
        parsed = parse(value)
        if not fits(parsed):
            raise ValueError(f"must be {need}, given {value!r}")
        return parsed

    return read


def _one_line(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) else value


_text = _reader(lambda value: isinstance(value, str) and value, "a text", _one_line)
_flag = _reader(lambda value: isinstance(value, bool), "true or false")


def _number(low: float, high: float) -> _Reader:
    def fits(value: Any) -> bool:
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return is_number and low <= value <= high

    return _reader(fits, f"a number from {low:g} to {high:g}")


def _target(value: Any) -> float:
    return SLO("any", _number(0, 100)(value)).target  # it knows that 99 was meant as 0.99


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f'must be a list of texts, given {value!r}; write ["one", "two"]')
    return tuple(map(_text, value))


def _symptom(value: Any) -> str:
    return known_symptom(_text(value))


def _cause(value: Any) -> str:
    name = str(_text(value))
    if name not in CAUSES:
        near = difflib.get_close_matches(name, CAUSES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(CAUSES)}"
        raise ValueError(f"unknown cause {name!r}; {hint}")
    return name


def _causes(value: Any) -> tuple[str, ...]:
    names = _texts(value)
    if not names or (SURPRISE in names and len(names) > 1):
        raise ValueError(f'must name causes, or ["{SURPRISE}"] alone, given {value!r}')
    return tuple(name if name == SURPRISE else _cause(name) for name in names)


def _segment(value: Any) -> str:
    dimension, _, part = _text(value).partition("=")
    if part not in DIMENSIONS.get(dimension, ()):
        known = ", ".join(DIMENSIONS)
        raise ValueError(f"must be DIMENSION=VALUE, of {known}; given {value!r}")
    return f"{dimension}={part}"


def _moment(value: Any) -> datetime:
    return parse_moment(value.isoformat() if isinstance(value, datetime) else _text(value))


def _duration(value: Any) -> timedelta:
    return parse_duration(_text(value))


_span = _reader(lambda length: length <= 90 * DAY, "at most 90d", _duration)
_positive_span = _reader(bool, "above zero", _span)
_minutes = _reader(lambda length: not length % MINUTE, "whole minutes", _span)
_length = _reader(lambda span: span and not span % MINUTE, "whole minutes, one or more", _span)


def _action_items(value: Any) -> tuple[tuple[str, str], ...]:
    items: list[tuple[str, str]] = []
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict) or len(item) != 1 or not set(item) <= set(ITEM_KINDS):
            example = '[{ prevent = "retry in one layer only" }]'
            names = ", ".join(ITEM_KINDS)
            raise ValueError(f"must be one of {names} each, given {item!r}; write e.g. {example}")
        items += [(kind, _text(text)) for kind, text in item.items()]
    return tuple(items)


def _catches(value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict):
        example = "{ fail_over = 0.7 }"
        raise ValueError(f"must name mitigations, given {value!r}; write e.g. {example}")
    return tuple((known_mitigation(name), _number(-1, 1)(share)) for name, share in value.items())
