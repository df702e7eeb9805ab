"""The reference responder: an experienced engineer's procedure, who is as blind as everybody.

It plays through the protocol's words and never reads the simulation: page → dashboard → change log
→ compare the dimensions and take the largest contrast → the reading that splits what is left →
suspect → least risk → verify → tell. It loses points where luck is against it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from oncall.catalogue import CAUSES
from oncall.gameday.decisions import (
    AIMED,
    BEHIND,
    KINDS,
    LEARNT,
    MOVES,
    NOT_OURS,
    SECURITY,
    SPLITS,
    THING,
)  # fmt: skip
from oncall.gameday.desk import Desk
from oncall.gameday.player import Player
from oncall.mitigations import MITIGATIONS
from oncall.severity import severity_for

Row = dict[str, Any]


@dataclass
class Finding:
    """What a diagnosis found: the cause, where it lies, and which change brought it."""

    cause: str
    dimension: str = ""
    value: str = ""
    changes: tuple[str, ...] = ()
    sli: str = ""

    @property
    def change(self) -> str:
        """The change that most probably brought it; empty if none fits."""
        return self.changes[0] if self.changes else ""

    @property
    def segment(self) -> str:
        """The segment as it is written down."""
        return f"{self.dimension}={self.value}" if self.dimension else "all"


@dataclass
class Responder(Player):
    """The reference: what it has found out and tried, beside what every player has."""

    changes: list[Row] = field(default_factory=list)
    onset: str = ""
    tried: set[str] = field(default_factory=set)
    applied: list[str] = field(default_factory=list)
    last_update: str = ""
    watch: int = 31  # minutes for which all is well before it is over

    def play(self) -> None:
        """Work the shift to its end."""
        while True:
            if self.state["current"] is None:
                self.do("wait", "60")
            else:
                self.work()

    # --- an incident, from the page to its file

    def work(self) -> None:
        """Take the incident at hand, find out, mend, watch, and file it."""
        self.tried, self.approved, self.onset = set(), {}, ""
        if self.current["state"] == "detected":
            self.do("ack")
        sli = self.worst()
        severity = self.triage(sli)
        self.tell("investigating", "We see that answers fail or suffer and look into it.")
        found = self.diagnose(sli)
        findings: list[Finding] = []
        for _ in range(4):
            self.tell_if_due()
            self.retriage(severity)
            if found.cause not in ("nothing", *(one.cause for one in findings)):
                self.do("suspect", found.cause)
                findings.append(found)
            if found.cause in NOT_OURS:
                if len(findings) == 1:
                    self.false_alarm(found)
                    return
                break
            is_well = self.mend(found)
            if is_well:
                break
            found = self.diagnose(self.worst())
        self.finish(findings)

    def triage(self, sli: str) -> str:
        """Decide the severity by harm, and wake who is needed for it."""
        severity = severity_for(self.share(sli), sli)
        roles = ("ops=bo", "comms=chen") if severity in ("sev1", "sev2") else ()
        self.do("triage", severity, "ana", *roles)
        return severity

    def retriage(self, severity: str) -> None:
        """Raise the severity where more is harmed by now than was."""
        sli = self.worst()
        now = severity_for(self.share(sli), sli)
        current = next(one for one in self.state["incidents"] if one["id"] == self.state["current"])
        if now < (current["severity"] or severity) and not self.is_well():
            roles = ("ops=bo", "comms=chen") if now in ("sev1", "sev2") else ()
            self.do("triage", now, "ana", *roles)

    def mend(self, found: Finding) -> bool:
        """Apply what helps against a cause, one by one, until all is well; whether it is."""
        self.secure(found)
        if found.cause == "nothing":
            return self.wait_until_well(40)
        for name, aim in self.moves(found):
            if f"{name} {aim}" in self.tried:
                continue
            self.tried.add(f"{name} {aim}")
            words = [name, *([aim] if aim else [])]
            if not self.may(name, words):
                continue
            before = self.level(found.sli)
            done = self.do("apply", *words)
            if not done.get("ok"):
                continue
            self.applied.append(name)
            if self.wait_until_well(done["data"]["settle"] + 3, found.sli):
                return self.is_well()
            if self.level(found.sli) < before + 0.25 * (1 - before):
                self.do("rollback", name)
                self.applied.remove(name)
        return self.is_well()

    def moves(self, found: Finding) -> Iterator[tuple[str, str]]:
        """What may be done about a cause: what is known of it, then the rest of the runbook."""
        for name in MOVES[found.cause]:
            for aim in self.aims(found, name):
                yield name, aim
        book = self.do("runbook", CAUSES[found.cause])["data"]
        for step in book["mitigations"]:
            if step["reversible"] and not step["aim"]:
                yield step["name"], ""

    def may(self, name: str, words: list[str]) -> bool:
        """Whether a mitigation may be applied: it is asked for where its runbook says so."""
        rules = [one["id"] for one in self.changes if one["kind"] == "rule"]
        if not MITIGATIONS[name].needs_approval and (len(words) < 2 or words[1] not in rules):
            return True
        self.do("ask", *words)
        for _ in range(12):
            if name in self.approved:
                break
            self.do("wait", "1")
        return self.approved.get(name, False)

    def aims(self, found: Finding, name: str) -> tuple[str, ...]:
        """What a mitigation may be aimed at, the likeliest first; nothing where nothing fits."""
        if name == "undo_change":
            return found.changes
        if name in AIMED:
            return (found.value,) if AIMED[name] == found.dimension else ()
        return ("",)

    def secure(self, found: Finding) -> None:
        """What security demands, before anything that mends it."""
        if found.cause in SECURITY:
            if self.current["severity"] != "sev1":
                self.do("triage", "sev1", "ana", "ops=bo", "comms=chen")
            for step in ("call", "restrict", "preserve"):
                self.do("secure", step)

    def false_alarm(self, found: Finding) -> None:
        """What users do not feel is called off, with what was found written down."""
        self.do("triage", "sev5", "ana")
        self.learn([found])
        self.do("false_alarm")

    def finish(self, findings: list[Finding]) -> None:
        """Say that it is mitigated once it is, watch for half an hour, resolve, and file it."""
        quiet = 0
        while quiet < self.watch:
            if self.is_well() and self.current["state"] == "mitigating":
                self.do("mitigated")
                self.tell("monitoring", "It works again as it should, and we go on watching it.")
            self.do("wait", "1")
            quiet = quiet + 1 if self.is_well() else 0
            self.tell_if_due()
            if quiet == 0 and self.low() and self.persists():
                found = self.diagnose(self.worst())
                if found.cause not in NOT_OURS:
                    if found.cause not in ("nothing", *(one.cause for one in findings)):
                        self.do("suspect", found.cause)
                        findings.append(found)
                    self.mend(found)
        while not self.do("resolve").get("ok"):
            self.do("wait", "2")
        if not findings:
            findings = [Finding("nothing")]
            self.do("suspect", "nothing")
        self.do("update", "resolved", text="This is resolved. We will write down what we learnt.")
        self.learn(findings)
        self.close(findings)

    def persists(self) -> bool:
        """Whether an SLI stays low: a minute may be noise."""
        for _ in range(4):
            self.do("wait", "1")
            if not self.low():
                return False
        return True

    # --- waiting

    def wait_until_well(self, minutes: int, sli: str = "") -> bool:
        """Wait until an SLI, or all, has been well for three minutes, so many minutes at most."""
        well = 0
        for _ in range(minutes + 3):
            self.do("wait", "1")
            well = 0 if self.low(sli) else well + 1
            self.tell_if_due()
            if well == 3:
                return True
        return False

    # --- what users hear

    def tell(self, status: str, text: str) -> None:
        """Tell users, with the share that is hit as it shows."""
        percent = f"{100 * self.share(self.worst()):.0f}"
        words = (status, percent) if status in ("investigating", "identified") else (status,)
        self.do("update", *words, text=text)
        self.last_update = self.state["at"]

    def tell_if_due(self) -> None:
        """An update every quarter of an hour while it lasts, and every half when it is better."""
        every = 14 if not self.is_well() else 25
        if _minutes(self.last_update, self.state["at"]) >= every:
            status = "monitoring" if self.is_well() else "identified"
            self.tell(status, "We know more about the cause by now and go on working on it.")

    # --- finding out

    def diagnose(self, sli: str) -> Finding:
        """From a symptom to a cause: the reading that splits what is left."""
        if self.state["slis"].get(sli, {"1m": None})["1m"] is None:
            return self.silence()
        thing = THING.get(sli, "errors")
        kind = thing
        if thing == "errors":
            rows = self.look("errors", "by", "outcome")["rows"]
            kind = max(rows, key=lambda row: row["bad"] - row["usual"] * row["total"])["value"]
        self.changes = self.look("changes") or []
        self.onset = self.onset or self.since()
        found = self.named(kind, *self.contrast(thing, SPLITS[kind]))
        return replace(found, sli=sli)

    def silence(self) -> Finding:
        """Nothing is counted: does it work, seen from outside?"""
        probe = self.look("probe")
        self.changes = self.look("changes") or []
        self.onset = self.onset or self.since()
        cause = "edge_lost" if probe["now"] > 10 else "metrics_broken"
        return Finding(cause, changes=self.guilty(cause), sli="availability")

    def contrast(self, thing: str, dimensions: Iterable[str]) -> tuple[str, str, float, float]:
        """The dimension and value that differ most from the rest, by how much, and the share."""
        found: list[tuple[float, str, str, float]] = []
        for dimension in dimensions:
            rows = self.look(thing, "by", dimension)["rows"]
            for row in rows:
                if row["total"] < 20:
                    continue
                inside = row["bad"] / row["total"]
                bad = sum(one["bad"] for one in rows) - row["bad"]
                total = sum(one["total"] for one in rows) - row["total"]
                found.append((inside - bad / max(1, total), dimension, row["value"], inside))
        best = max(found, default=(0.0, "", "", 0.0))
        return best[1], best[2], best[0], best[3]

    def named(
        self, kind: str, dimension: str, value: str, contrast: float, share: float
    ) -> Finding:
        """The cause that a contrast points at, after the reading that splits what is left."""
        if contrast < 0.5 * share:
            return self.everywhere(kind)
        cause = BEHIND.get((kind, dimension), "nothing")
        if kind == "429":
            cause = self.refused(dimension, value)
        if cause == "tenant_doubled" and not self.is_swollen(value):
            cause = "agent_loops"
        if kind == "latency" and dimension == "upstream":
            cause = "gpu_reclaimed" if value == "pool" else "slow_upstream"
        if cause == "agent_loops":
            self.look("calls")
        return Finding(cause, dimension, value, self.guilty(cause))

    def refused(self, dimension: str, value: str) -> str:
        """Of 429: whose traffic, and is it tried again and again?"""
        if dimension == "upstream":
            attempts = self.look("attempts")
            return "retry_storm" if attempts["now"] > 1.5 * attempts["usual"] else "provider_fails"
        return "load_test" if value == "synthetic" else "runaway_tenant"

    def is_swollen(self, tenant: str) -> bool:
        """Whether a tenant sends far more than usual."""
        rows = self.look("traffic", "by", "tenant")["rows"]
        return any(r["value"] == tenant and r["total"] > 1.7 * r["usual"] for r in rows)

    def everywhere(self, kind: str) -> Finding:
        """Nothing stands out: it is everywhere, or it is over."""
        if kind == "quality":
            bad = self.look("rejudge")["now"]
            cause = "judge_drifted" if bad <= 2 else "prompt_release"
        elif kind == "cost":
            cache = self.look("cache")
            cause = "cache_bypassed" if cache["now"] < 0.6 * cache["usual"] else "agent_loops"
        elif kind == "429" and (attempts := self.look("attempts"))["now"] > 1.5 * attempts["usual"]:
            cause = "retry_storm"
        else:
            cause = "nothing"
        return Finding(cause, changes=self.guilty(cause))

    def since(self) -> str:
        """When it began: the last stretch of five minutes from which on the SLI is lower."""
        seen = self.look("history")
        rows = [row for row in seen if row["sli"] is not None]
        if len(rows) < 4 or len(rows) < len(seen):
            return str(rows[-1]["at"]) if rows else ""
        usual = sorted(row["sli"] for row in rows[: len(rows) // 2])[len(rows) // 4]
        low = min(row["sli"] for row in rows)
        begun = ""
        for row in rows:
            is_low = row["sli"] < usual - 0.35 * (usual - low)
            begun = (begun or str(row["at"])) if is_low else ""
        return begun or str(rows[-1]["at"])

    def guilty(self, cause: str) -> tuple[str, ...]:
        """The changes of a fitting kind near the onset, the nearest before it first."""
        begun, near = _clock(self.onset) + 5, []
        for one in self.changes:
            before = begun - _clock(one["at"][11:16])
            if one["kind"] in KINDS.get(cause, ()) and -10 <= before <= 25:
                near.append((before if before >= 0 else 30 - before, str(one["id"])))
        return tuple(id for _, id in sorted(near))

    # --- learning

    def learn(self, findings: list[Finding]) -> None:
        """Write down what is known: cause, segment, trigger, onset, and the rest in words."""
        for found in findings:
            self.do("learn", "cause", found.cause)
            self.do("learn", "segment", found.segment)
            self.do("learn", "trigger", found.change or "none")
        if self.onset:
            self.do(
                "learn",
                "onset",
                f"{(_clock(self.onset) + 2) // 60 % 24:02}:{(_clock(self.onset) + 2) % 60:02}",
            )
        for kind, text in LEARNT:
            self.do("learn", kind, text=text)
        for name in dict.fromkeys(self.applied):
            self.do("learn", "automate", name)

    def close(self, findings: list[Finding]) -> None:
        """File it with a postmortem made of what was written down."""
        self.do("close")
        self.applied = []


def _clock(text: str) -> int:
    """The minute of the day of a time such as 18:05."""
    return int(text[:2]) * 60 + int(text[3:5]) if text else 0


def _minutes(since: str, now: str) -> int:
    """The minutes from a moment to another, of one day or the next."""
    return (_clock(now[11:16]) - _clock(since[11:16])) % 1440 if since else 999


def reference(desk: Desk) -> None:
    """Play a shift at a desk by the written procedure."""
    from oncall.gameday.protocol import Game

    player = Responder(Game.of(desk).handle)
    player.run(lambda player: player.play())
