"""The protocol of a drill: one JSON object in, one out, so that anything can play a shift.

``Game`` is the function behind it, and the terminal, the cockpit and other programs are shells on
it. What it answers, it answers in data and in the words that a person reads; and until the shift is
over it says nothing that the desk does not show.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from oncall.files import parse_json
from oncall.gameday import actions
from oncall.gameday.desk import Desk
from oncall.gameday.people import PEOPLE
from oncall.gameday.scoring import JUDGES, Score, score_shift
from oncall.gameday.truth import Truth, truth_of
from oncall.incident import Incident
from oncall.journal import Event
from oncall.scenario import Scenario
from oncall.times import HOUR, MINUTE, moment_text

VERSION = 1
MOST_LINE = 20_000  # characters of a request
Reply = dict[str, Any]


class Game:
    """A shift that is played by requests; ``handle`` answers one.

    A request that is refused changes nothing and costs nothing. With ``sealed``, the bytes of a
    file that names scenario and seed, only their SHA-256 is told until the score is.
    """

    def __init__(self, scenario: Scenario, seed: int, sealed: bytes | None = None):
        self.desk = Desk(scenario, seed)
        self._scenario, self._seed, self._sealed = scenario, seed, sealed

    @classmethod
    def of(cls, desk: Desk) -> Game:
        """The game that is played at a desk."""
        game = cls.__new__(cls)
        game.desk, game._sealed = desk, None
        game._scenario, game._seed = desk.scenario, desk.service.world.seed
        return game

    @property
    def over(self) -> bool:
        """Whether the shift has ended."""
        return self.desk.now >= self.desk.ends

    @property
    def truth(self) -> Truth:
        """What was true, once the shift is over; before that it is a ``ValueError``."""
        if not self.over:
            raise ValueError("the score comes when the shift is over; 'end' lets the rest pass")
        return truth_of(self._scenario, self._seed)

    @property
    def score(self) -> Score:
        """The score of the shift, once it is over; before that it is a ``ValueError``."""
        truth = self.truth
        self.desk.measure_harm()
        return score_shift(self.desk.incidents, truth)

    def greeting(self) -> Reply:
        """The first line: what is played, until when, and how it is scored."""
        named: Reply = {"scenario": self._scenario.name, "seed": self._seed}
        if self._sealed is not None:
            named = {"sealed": hashlib.sha256(self._sealed).hexdigest()}
        return {
            "oncall": "drill",
            "version": VERSION,
            **named,
            "at": moment_text(self.desk.now),
            "ends": moment_text(self.desk.ends),
            "text": "You are on call. Time passes by what you do. No one else knows what is wrong.",
            "score": [{"name": name, "of": most} for name, (most, _) in JUDGES.items()],
            "can": self._can(),
        }

    def handle(self, request: object) -> Reply:
        """The reply to a request."""
        try:
            return self._reply(*_parsed(request))
        except ValueError as error:
            return {"ok": False, "error": str(error), "can": self._can()}

    def handle_line(self, line: str) -> Reply:
        """The reply to a request as a line of JSON."""
        try:
            if len(line) > MOST_LINE:
                raise ValueError(f"a request of {len(line):,} characters; at most {MOST_LINE:,}")
            try:
                request = json.loads(line)
            except (ValueError, RecursionError):
                example = '{"do": "look", "words": ["errors", "by", "region"]}'
                raise ValueError(f"this is not JSON; give e.g. {example}") from None
        except ValueError as error:
            return {"ok": False, "error": str(error), "can": self._can()}
        return self.handle(request)

    def _reply(self, do: str, words: list[str]) -> Reply:
        if do == "score":
            return self._scored()
        if do == "args":
            if not words:
                raise ValueError("args of which action? give e.g. words ['apply']")
            following, is_text = actions.options(self.desk, words[0], words[1:])
            return self._state({"next": following, "text": is_text}, "", self._seen(), 0)
        if do == "quit":
            do, words = "end", []
            if self.over:
                return self._scored()
        if self.over:
            raise ValueError("the shift is over; ask for the score, or quit")
        before, start = self._seen(), self.desk.now
        text, data = actions.obey(self.desk, do, *words)
        return self._state(data, text, before, (self.desk.now - start) // MINUTE, do)

    def _state(
        self, data: Any, text: str, before: Mapping[str, Any], minutes: int, do: str = ""
    ) -> Reply:
        """What there is to see after a request."""
        desk, events = self.desk, list(self._events(before))
        stopped = None
        if do in ("wait", "next", "end"):
            paged = any(event["kind"] == "page" for event in events)
            stopped = "end" if self.over else "page" if paged else None
        return {
            "ok": True,
            "at": moment_text(desk.now),
            "minutes": minutes,
            "text": text,
            "data": data,
            "events": events,
            "slis": {
                name: {
                    "1m": _number(desk.service.sli_of(name, MINUTE)),
                    "1h": _number(desk.service.sli_of(name, HOUR)),
                }
                for name in desk.slos
            },
            "firing": [
                {"sli": alarm.sli, "rule": alarm.rule.name, "action": alarm.rule.action}
                for alarm in desk.alarms
            ],
            "incidents": [
                {
                    "id": one.id,
                    "state": one.state,
                    "severity": one.severity,
                    "proposed": desk.proposed(one),
                }
                for one in desk.incidents
            ],
            "current": desk.incident.id if desk.incident else None,
            "can": self._can(),
            "stopped": stopped,
            "over": self.over,
        }

    def _can(self) -> list[str]:
        if self.over:
            return ["score", "quit"]
        return [*actions.allowed_actions(self.desk), "args", "quit"]

    def _seen(self) -> dict[str, Any]:
        """What was there before a request, to tell what is new after it."""
        desk = self.desk
        return {
            "events": {one.id: len(one.events) for one in desk.incidents},
            "alarms": desk.alarms,
            "up": {who for who in PEOPLE if desk.people.is_up(who, desk.service.minute)},
            "due": desk.update_due,
        }

    def _events(self, before: Mapping[str, Any]) -> Iterator[Reply]:
        """What happened by itself since then."""
        desk, now = self.desk, moment_text(self.desk.now)
        for incident in desk.incidents:
            for event in incident.events[before["events"].get(incident.id, 0) :]:
                if told := _told(event, incident):
                    yield told
        for alarm in desk.alarms:
            if alarm not in before["alarms"]:
                text = f"{alarm.sli} {alarm.rule.name} fires"
                yield {"at": now, "kind": "fires", "text": text, "sli": alarm.sli}
        for alarm in before["alarms"]:
            if alarm not in desk.alarms:
                text = f"{alarm.sli} {alarm.rule.name} no longer fires"
                yield {"at": now, "kind": "clears", "text": text, "sli": alarm.sli}
        for who in PEOPLE:
            if who not in before["up"] and desk.people.is_up(who, desk.service.minute):
                yield {"at": now, "kind": "person", "text": f"{who} is up", "who": who}
        if desk.update_due and not before["due"]:
            yield {"at": now, "kind": "due", "text": "an update to users is due"}

    def _scored(self) -> Reply:
        score, truth = self.score, self.truth
        dimensions = [
            {"name": one.name, "points": one.points, "of": one.most, "why": one.why}
            for one in score.dimensions
        ]
        facts = [
            {
                "cause": hit.cause.name,
                "title": hit.cause.title,
                "segment": hit.segment,
                "onset": moment_text(self._scenario.start + hit.fault.start),
            }
            for hit in truth.world.hits
        ]
        nothing = {"cause": None, "title": "Nothing was wrong.", "segment": None, "onset": None}
        reply: Reply = {
            "ok": True,
            "score": {"points": score.points, "dimensions": dimensions},
            "truth": facts[0] if facts else nothing,
            "also": facts[1:],
        }
        if self._sealed is not None:
            reply |= {"scenario": self._scenario.name, "seed": self._seed}
        return reply


def serve(game: Game, read: Callable[[], str | None], tell: Callable[[str], None]) -> None:
    """Answer requests line by line, and tell the score at the end of them."""
    tell(_line(game.greeting()))
    while (line := read()) is not None:
        reply = game.handle_line(line)
        tell(_line(reply))
        if "score" in reply and game.over and _is_quit(line):
            return
        if _is_quit(line):
            break
    game.handle({"do": "end"})
    tell(_line(game.handle({"do": "score"})))


def _line(reply: Reply) -> str:
    return json.dumps(reply, ensure_ascii=False) + "\n"


def _is_quit(line: str) -> bool:
    try:
        request = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(request, dict) and request.get("do") == "quit"


def unsealed(data: bytes, source: str) -> tuple[str, int]:
    """The scenario and the seed that a sealed file names, as JSON."""
    record = parse_json(data.decode("utf-8", "replace"), source)
    scenario = record.get("scenario") if isinstance(record, dict) else None
    seed = record.get("seed") if isinstance(record, dict) else None
    if not isinstance(scenario, str) or not isinstance(seed, int) or isinstance(seed, bool):
        example = '{"scenario": "surprise", "seed": 7}'
        raise ValueError(f"{source} must name a scenario and a seed, such as {example}")
    return scenario, seed


def _told(event: Event, incident: Incident) -> Reply | None:
    """An event of a journal that happened without the player, as it is told; else ``None``."""
    kind, fields, text = "", {}, ""
    if event.verb == "page" and event.by == "pager":
        kind, fields = "page", {"who": event.get("who")}
        text = f"{event.get('who')} is paged: {incident.title}"
    elif event.verb == "approval":
        kind, fields = "answer", dict(event.details)
        answer = "approves" if event.get("granted") else "does not approve"
        text = f"{event.by} {answer} {event.get('mitigation')}"
    elif event.verb == "reopen" and event.by == "alerts":
        kind, text = "reopened", f"{incident.id} is open again"
    told = {"at": moment_text(event.at), "kind": kind, "text": text, **fields}
    return told | {"incident": incident.id} if kind else None


def _parsed(request: object) -> tuple[str, list[str]]:
    """What a request asks for: the action and its words, the text as the last of them."""
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        raise ValueError('a request is an object with "do", such as {"do": "ack"}')
    words, text = request.get("words", []), request.get("text")
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError('"words" must be a list of texts, such as ["sev1", "ana"]')
    if text is not None and not isinstance(text, str):
        raise ValueError('"text" must be a text')
    if unknown := set(request) - {"do", "words", "text"}:
        raise ValueError(f"a request has do, words and text, given {', '.join(sorted(unknown))}")
    return request["do"], [*words, text] if text else list(words)


def _number(share: float) -> float | None:
    return None if math.isnan(share) else round(share, 4)
