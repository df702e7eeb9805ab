"""A scenario of one's own, in a small TOML file: traffic, faults, red herrings, and what each mitigation catches."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from oncall.runbook import known_mitigation, known_symptom
from oncall.scenario import Fault, RedHerring, Review, Scenario
from oncall.slo import SLO
from oncall.times import DAY, MINUTE, parse_duration, parse_moment

_REQUIRED = object()


def read_scenario(path: str | Path) -> Scenario:
    """The scenario in a TOML file; ``data/example_scenario.toml`` shows every field.

    What is wrong is a ``ValueError`` that names the file, the line as far as it is known, and the field.
    """
    try:
        return parse_scenario(Path(path).read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text; give a TOML file") from None


def parse_scenario(text: str, name: str = "the scenario") -> Scenario:
    """The scenario in a TOML text; ``name`` is what errors call it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: not TOML: {error}") from None
    top = _Table(document, text, name)
    scenario = _scenario(top)
    top.refuse_others()
    return scenario


def _scenario(top: _Table) -> Scenario:
    length = top.take("length", _length, 480 * MINUTE)
    slo, traffic = top.table("slo"), top.table("traffic")
    scenario = Scenario(
        name=top.take("name", _text),
        title=top.take("title", _text, ""),
        start=top.take("start", _moment),
        length=length,
        slo=_slo(slo),
        requests=traffic.take("requests", _number(0.001, 1e7)),
        errors=traffic.take("errors", _number(0, 1), 0.0),
        faults=tuple(map(_fault, top.tables("faults"))),
        red_herrings=tuple(map(_red_herring, top.tables("red_herrings"))),
        reviews=tuple(map(_review, top.tables("reviews"))),
    )
    traffic.refuse_others()
    return scenario


def _slo(table: _Table) -> SLO:
    name, period = table.take("name", _text, "availability"), table.take("period", _length, 30 * DAY)
    target = table.take("target", lambda value: SLO(name, _any_number(value), period).target)
    table.refuse_others()
    return SLO(name, target, period)


def _fault(table: _Table) -> Fault:
    lost, felt = table.take("lost", _flag, False), table.take("felt", _flag, True)
    fault = Fault(
        symptom=table.take("symptom", known_symptom if felt and not lost else _text),
        start=table.take("start", _span),
        error_ratio=table.take("error_ratio", _number(0, 1)),
        ramp=table.take("ramp", _span, timedelta()),
        duration=table.take("duration", _length, None),
        title=table.take("title", _text, ""),
        lost=lost,
        felt=felt,
        catches=table.take("catches", _catches, ()),
    )
    table.refuse_others()
    return fault


def _red_herring(table: _Table) -> RedHerring:
    herring = RedHerring(table.take("at", _span), table.take("text", _text))
    table.refuse_others()
    return herring


def _review(table: _Table) -> Review:
    names = ("contributing_factors", "went_well", "went_wrong", "lucky")
    review = Review(*(table.take(name, _texts, ()) for name in names))
    table.refuse_others()
    return review


# --- a table, read field by field ----------------------------------------------------------------


@dataclass
class _Table:
    """A TOML table, the text it stands in, and where: a path such as ``faults[2]``, counted from 1."""

    values: dict[str, Any]
    text: str
    file: str
    path: str = ""

    def take(self, key: str, read: Callable[[Any], Any], default: Any = _REQUIRED) -> Any:
        """A field's value, read by ``read``; the field is then done with."""
        if key not in self.values:
            if default is _REQUIRED:
                raise self.error(key, "is missing")
            return default
        try:
            return read(self.values.pop(key))
        except ValueError as error:
            raise self.error(key, str(error)) from None

    def table(self, key: str) -> _Table:
        value = self.values.pop(key, None)
        if not isinstance(value, dict):
            raise self.error(key, f"is missing; write a table [{key}]")
        return _Table(value, self.text, self.file, key)

    def tables(self, key: str) -> list[_Table]:
        value = self.values.pop(key, [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.error(key, f"must be tables; write [[{key}]]")
        return [_Table(one, self.text, self.file, f"{key}[{number}]") for number, one in enumerate(value, 1)]

    def refuse_others(self) -> None:
        """Raise a ``ValueError`` if a field was not asked for: it is misspelt."""
        for key in self.values:
            raise self.error(key, "is not a field of a scenario")

    def error(self, key: str, why: str) -> ValueError:
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


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"must be a text, given {value!r}")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, given {value!r}")
    return value


def _number(low: float, high: float) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise ValueError(f"must be a number from {low:g} to {high:g}, given {value!r}")
        return value

    return read


def _any_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"must be a number such as 0.99, given {value!r}")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f'must be a list of texts, given {value!r}; write ["one", "two"]')
    return tuple(map(_text, value))


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value
    return parse_moment(value.isoformat() if isinstance(value, datetime) else _text(value))


def _span(value: Any) -> timedelta:
    if value == 0 and not isinstance(value, bool):
        return timedelta()
    length = parse_duration(_text(value))
    if length > 30 * DAY:
        raise ValueError(f"must be at most 30d, given {value!r}")
    return length


def _length(value: Any) -> timedelta:
    length = parse_duration(_text(value))
    if not MINUTE <= length <= 90 * DAY or length % MINUTE:
        raise ValueError(f"must be whole minutes, from 1m to 90d, given {value!r}")
    return length


def _catches(value: Any) -> tuple[tuple[str, float], ...]:
    if not isinstance(value, dict):
        raise ValueError(f"must name mitigations, given {value!r}; write e.g. {{ fail_over = 0.7 }}")
    return tuple((known_mitigation(name), _number(-1, 1)(share)) for name, share in value.items())
