"""How players without judgement fare, and the reference: the bounds that make the shift a game.

The table beside this file is of seeds 1 to 40, as the README quotes it; these take under a minute.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from oncall.gameday.baselines import PLAYERS, Row, play, row_of, table
from oncall.gameday.bundled import SCENARIOS

HERE = Path(__file__).parent
SEEDS = range(1, 41)
AT_MOST = {
    "nobody": 5, "shotgun": 20, "copycat": 40, "restart": 40, "copycat, polished": 45,
    "restart, polished": 45, "trial": 60,
}  # fmt: skip
RENEW = "oncall drill --baselines > tests/baselines/players.txt"


@cache
def row(player: str) -> Row:
    return row_of(player, [play(player, SCENARIOS["surprise"], seed) for seed in SEEDS])


@pytest.mark.parametrize("player", AT_MOST)
def test_a_player_without_judgement_gets_little(player: str) -> None:
    assert row(player).mean <= AT_MOST[player]


def test_the_reference_is_far_above_every_other() -> None:
    reference = row("reference")
    assert reference.mean - reference.half >= 85
    assert all(reference.mean - row(player).mean >= 25 for player in AT_MOST)


def test_the_table_is_the_one_that_is_kept_and_that_the_readme_quotes() -> None:
    shown = table(map(row, PLAYERS)) + "\n"
    assert shown == (HERE / "players.txt").read_text(encoding="utf-8"), f"renew with: {RENEW}"
    assert max(map(len, shown.splitlines())) <= 80
    readme = (HERE.parents[1] / "README.md").read_text(encoding="utf-8")
    for line in shown.splitlines()[1:]:
        name, points, cells = re.split(r"\s{2,}", line, maxsplit=2)
        assert f"| {name} | {points} | {' | '.join(cells.split())} |" in readme
