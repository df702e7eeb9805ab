"""What a play earns that does one thing wrong, beside the same play without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from oncall.catalogue import CAUSES
from oncall.gameday.bundled import SCENARIOS
from oncall.gameday.protocol import Game
from oncall.gameday.reference import Finding, Responder
from oncall.gameday.scoring import Score

SEEDS = (1, 2, 3)


class OneWordUpdates(Responder):
    """ "Aliens." is all that users hear."""

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        return super().do(do, *words, text="Aliens." if do == "update" else text)


class AlwaysResolved(Responder):
    """Users hear that it is resolved from the first moment on."""

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        return super().do(do, *(("resolved",) if do == "update" else words), text=text)


class ThirtyUpdates(Responder):
    """Users hear something every few minutes."""

    def finish(self, findings: list[Finding]) -> None:
        for _ in range(30):
            super().do("update", "identified", text="We are still working on it now.")
        super().finish(findings)


class PostmortemOfX(Responder):
    """Every section of the postmortem says x."""

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        if do == "learn" and words[0] in ("factor", "well", "wrong", "lucky"):
            text = "x"
        return super().do(do, *words, text=text)


class NothingLearnt(Responder):
    """It is closed, and nothing is written down."""

    def learn(self, findings: list[Finding]) -> None:
        self.applied = []


@dataclass
class NoWatching(Responder):
    """Resolved in the minute in which it is mitigated."""

    watch: int = 1


class Sev5AtTheEnd(Responder):
    """The severity is called 5 all along, and right only at the end."""

    def triage(self, sli: str) -> str:
        super().do("triage", "sev5", "ana")
        return "sev5"

    def retriage(self, severity: str) -> None:
        pass

    def finish(self, findings: list[Finding]) -> None:
        super().do("triage", "sev1", "ana")
        super().finish(findings)


class Sev1Always(Responder):
    """The highest severity, whatever the harm."""

    def triage(self, sli: str) -> str:
        super().do("triage", "sev1", "ana")
        return "sev1"


class MitigatedAtOnce(Responder):
    """Said to be mitigated in the minute in which something was applied."""

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        reply = super().do(do, *words, text=text)
        if do == "apply" and reply.get("ok"):
            super().do("mitigated")
        return reply


class SitsTwoHours(Responder):
    """Takes the page, decides a severity, and sleeps for two hours."""

    def triage(self, sli: str) -> str:
        severity = super().triage(sli)
        for _ in range(8):
            super().do("wait", "15")
        return severity


class LateAnswer(Responder):
    """The page waits for half an hour."""

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if request == {"do": "ack"}:
            super()._ask({"do": "wait", "words": ["15"]})
            super()._ask({"do": "wait", "words": ["15"]})
        return super()._ask(request)


class WakesEverybody(Responder):
    """Everybody is woken, whatever it is."""

    def triage(self, sli: str) -> str:
        severity = super().triage(sli)
        for who in ("bo", "chen", "dana", "eli"):
            super().do("page", who)
        return severity


class SuspectsAll(Responder):
    """Every cause is suspected."""

    def mend(self, found: Finding) -> bool:
        for cause in CAUSES:
            super().do("suspect", cause)
        return super().mend(found)


class SuspectsLater(Responder):
    """The cause is named after its cure."""

    def work(self) -> None:
        self.held: list[str] = []
        super().work()

    def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
        if do == "suspect":
            self.held.append(words[0])
            return {}
        if do == "mitigated":
            for cause in self.held:
                super().do("suspect", cause)
        return super().do(do, *words, text=text)


class TakesHints(Responder):
    """Two hints."""

    def mend(self, found: Finding) -> bool:
        super().do("hint")
        super().do("hint")
        return super().mend(found)


class DoesNotAsk(Responder):
    """What needs approval is applied without it."""

    def may(self, name: str, words: list[str]) -> bool:
        return True


class SkipsSecurity(Responder):
    """Neither restricts nor preserves nor calls."""

    def secure(self, found: Finding) -> None:
        pass


class TellsBeforeSecurity(SkipsSecurity):
    """Users hear of a leak before security does."""

    def mend(self, found: Finding) -> bool:
        super().do("wait", "1")
        super().do("update", "identified", text="Answers of others were shown, we are sorry.")
        return super().mend(found)


class NeedlessCard(Responder):
    """One more mitigation, which helps nothing."""

    def mend(self, found: Finding) -> bool:
        well = super().mend(found)
        super().do("apply", "restart_pipeline")
        return well


class CachesEverything(Responder):
    """Serves the nearest match from the cache, and leaves it at that."""

    def mend(self, found: Finding) -> bool:
        super().do("apply", "cache_everything")
        return super().mend(found)


class DegradesForHours(Responder):
    """Gives apologies for a hundred minutes before it does anything else."""

    def mend(self, found: Finding) -> bool:
        super().do("apply", "serve_degraded")
        for _ in range(10):
            super().do("wait", "10")
        return super().mend(found)


class Irreversible(Responder):
    """Purges the cache, which cannot be undone."""

    def mend(self, found: Finding) -> bool:
        well = super().mend(found)
        super().do("apply", "purge_cache")
        return well


class FalseAlarmAtOnce(Responder):
    """Nothing is looked at: it is called a false alarm."""

    def diagnose(self, sli: str) -> Finding:
        return Finding("load_test")


class LeavesItOpen(Responder):
    """Mitigated, and never ended."""

    def finish(self, findings: list[Finding]) -> None:
        super().do("mitigated")
        super().do("end")


def score(player: type[Responder], name: str, seed: int) -> Score:
    game = Game(SCENARIOS[name], seed)
    player(game.handle).run(lambda one: one.play())
    return game.score


@cache
def means(player: type[Responder], name: str) -> dict[str, float]:
    """The mean points over some seeds, in all and by dimension."""
    scores = [score(player, name, seed) for seed in SEEDS]
    found = {"all": sum(one.points for one in scores) / len(scores)}
    for place, dimension in enumerate(scores[0].dimensions):
        points = [one.dimensions[place].points for one in scores]
        found[dimension.name] = sum(points) / len(points)
    return found


@pytest.mark.parametrize(
    ("fault", "name", "dimension", "least"),
    [
        (OneWordUpdates, "gateway_release", "communication", 8),
        (AlwaysResolved, "gateway_release", "communication", 8),
        (ThirtyUpdates, "gateway_release", "communication", 5),
        (PostmortemOfX, "gateway_release", "learning", 2),
        (NothingLearnt, "gateway_release", "learning", 6),
        (NoWatching, "gateway_release", "safety", 4),
        (Sev5AtTheEnd, "gateway_release", "severity", 6),
        (Sev1Always, "cost_runaway", "severity", 4),
        (MitigatedAtOnce, "provider_fails", "safety", 4),
        (SitsTwoHours, "gateway_release", "harm", 8),
        (LateAnswer, "gateway_release", "answer", 3),
        (WakesEverybody, "cost_runaway", "answer", 4),
        (SuspectsAll, "gateway_release", "diagnosis", 14),
        (SuspectsLater, "gateway_release", "diagnosis", 6),
        (TakesHints, "gateway_release", "diagnosis", 5),
        (DoesNotAsk, "prompt_injection", "safety", 3),
        (SkipsSecurity, "poisoned_cache", "safety", 12),
        (TellsBeforeSecurity, "poisoned_cache", "communication", 3),
        (NeedlessCard, "gateway_release", "safety", 3),
        (CachesEverything, "provider_fails", "harm", 8),
        (DegradesForHours, "provider_fails", "harm", 5),
        (Irreversible, "gateway_release", "safety", 9),
        (FalseAlarmAtOnce, "gateway_release", "safety", 12),
        (LeavesItOpen, "gateway_release", "learning", 8),
    ],
)
def test_a_play_with_a_fault_earns_less_where_the_fault_is(
    fault: type[Responder], name: str, dimension: str, least: float
) -> None:
    right, wrong = means(Responder, name), means(fault, name)
    assert right[dimension] - wrong[dimension] >= least
    assert wrong["all"] < right["all"]


def test_four_words_of_nonsense_cost_only_where_a_field_is_missing() -> None:
    class Nonsense(Responder):
        def do(self, do: str, *words: str, text: str = "") -> dict[str, Any]:
            return super().do(do, *words, text="Purple cows sing softly." if text else "")

    nonsense, right = means(Nonsense, "gateway_release"), means(Responder, "gateway_release")
    assert nonsense["communication"] == 10
    assert nonsense["all"] >= right["all"] - 1


def test_a_quiet_shift_is_full_marks_for_who_lets_it_be_and_none_for_who_does_not() -> None:
    assert score(Responder, "quiet_shift", 1).points == 100
    game = Game(SCENARIOS["quiet_shift"], 1)
    for words in (["declare"], ["ack"], ["triage", "sev1", "ana"], ["apply", "fail_over"],
                  ["update", "investigating", "50", "We fail over to the other provider now."],
                  ["wait", "10"], ["mitigated"], ["end"]):  # fmt: skip
        game.handle({"do": words[0], "words": words[1:]})
    assert game.score.points <= 25


def test_a_false_alarm_without_a_look_is_worth_less_than_one_that_was_found_out() -> None:
    found = means(Responder, "false_alarm")
    game = Game(SCENARIOS["false_alarm"], 1)
    for words in (["wait", "200"], ["ack"], ["false_alarm"], ["end"]):
        game.handle({"do": words[0], "words": words[1:]})
    assert game.score.points <= found["all"] - 25


def test_a_false_alarm_of_something_that_fires_says_what_to_do_if_it_was_none() -> None:
    game = Game(SCENARIOS["gateway_release"], 1)
    said = [game.handle({"do": do, "words": words})["text"]
            for do, words in (("wait", ["200"]), ("ack", []), ("false_alarm", []))]  # fmt: skip
    assert "still fires, and is not heard until it has cleared" in said[-1]
    assert said[-1].endswith("declare it anew if it was none")
    game.handle({"do": "declare"})
    assert game.desk.incidents[-1].slo.name == "availability"


def test_a_total_loss_of_traffic_is_sev1_and_waiting_for_it_costs_what_is_lost() -> None:
    points = means(Responder, "silent_edge")
    assert points["severity"] == 10
    assert points["harm"] - means(SitsTwoHours, "silent_edge")["harm"] >= 5


def test_what_beats_par_is_praised_and_a_mended_mistake_costs_less_than_a_kept_one() -> None:
    class TakesItBack(NeedlessCard):
        def mend(self, found: Finding) -> bool:
            well = super().mend(found)
            super().do("rollback", "restart_pipeline")
            return well

    kept, mended = means(NeedlessCard, "gateway_release"), means(TakesItBack, "gateway_release")
    assert mended["safety"] > kept["safety"]
    quick = score(Responder, "gateway_release", 1)
    assert "Better than par." in next(d.why for d in quick.dimensions if d.name == "harm")
