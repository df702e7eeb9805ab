"""Lesson 09: nights of the shift's own service, read by dimension, and what was wrong on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.dates import num2date
from stored import printed

from oncall.gameday import SCENARIOS, Game
from oncall.times import MINUTE
from oncall.workbook.exercises.checking import JUDGEMENTS
from oncall.workbook.lessons.what_changed import SUSPECTS, Night, Rows, plot_changes, plot_readings

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "09_what_changed.ipynb"
SHOWN = printed(NOTEBOOK)


@pytest.fixture(scope="module")
def second() -> Night:
    return Night("surprise", 12)


# --- the readings --------------------------------------------------------------------------------


def test_a_look_is_the_shifts_own_and_takes_no_time(second: Night) -> None:
    game = Game(SCENARIOS["surprise"], 12)
    minutes = (second.paged - second.minutes[0][0]) // MINUTE + 1
    game.handle({"do": "wait", "words": [str(minutes)]})
    rows = game.handle({"do": "look", "words": ["errors", "by", "upstream"]})["data"]["rows"]
    for _ in range(2):  # the same minute, however often one looks
        look = second.look("upstream")
        assert look.values == tuple(row["value"] for row in rows)
        assert look.shares == pytest.approx([row["bad"] / row["total"] for row in rows])


def test_a_contrast_compares_the_most_with_the_least() -> None:
    rows = Rows("upstream", "", ("north", "south"), (0.02, 0.4), (0.002, 0.002), (1000, 1000))
    assert rows.contrast == pytest.approx(20)
    assert rows.hottest == "south"
    clean = Rows("upstream", "", ("north", "south"), (0.0, 0.4), (0.0, 0.0), (1000, 1000))
    assert clean.contrast == pytest.approx(400)
    few = Rows("tenant", "", ("a", "b", "c"), (0.2, 0.2, 1.0), (0.0,) * 3, (1000, 1000, 5))
    assert few.contrast == 1


def test_a_word_that_cannot_be_looked_at_is_refused_in_the_shifts_words(second: Night) -> None:
    with pytest.raises(ValueError, match="errors"):
        second.look("colour")
    with pytest.raises(ValueError, match="there is no scenario 'monday'"):
        Night("monday", 1)


# --- the three nights ----------------------------------------------------------------------------


def test_on_the_first_night_one_dimension_stands_out_and_the_near_change_is_innocent(
    lesson: dict[str, Any],
) -> None:
    first = lesson["first"]
    contrasts = {by: first.look(by).contrast for by in ("upstream", "region", "release", "tenant")}
    assert max(contrasts, key=lambda by: contrasts[by]) == SUSPECTS[first.cause] == "upstream"
    assert all(value < 2 for by, value in contrasts.items() if by != "upstream")
    [near] = [at for at, _ in first.changes() if abs(at - first.first_bad()) < 60 * MINUTE]
    assert near < first.first_bad()


def test_on_the_second_night_the_region_carries_the_upstream(second: Night) -> None:
    assert second.cause == "edge_config"
    assert second.look("region").contrast > 10 * second.look("upstream").contrast > 20
    assert second.look("upstream", "region=us").contrast < 2
    assert second.look("region", "upstream=south").contrast > 100


def test_on_the_third_night_the_newest_change_comes_after_the_harm(lesson: dict[str, Any]) -> None:
    third = lesson["third"]
    before = [what for at, what in third.changes() if at <= third.first_bad()]
    after = [what for at, what in third.changes() if at > third.first_bad()]
    assert after
    assert "release" in before[-1]
    assert third.cause == "gateway_release"
    assert f"{third.look('release').contrast:.1f}" in SHOWN


def test_the_exercises_nights_are_what_the_shift_says_they_are() -> None:
    for seed, situation in JUDGEMENTS["what_changed"].situations.items():
        night = Night("surprise", int(seed))
        assert night.cause == situation.right
        looks = {by: night.look(by) for by in ("upstream", "region", "release", "tenant")}
        largest = max(looks, key=lambda by: looks[by].contrast)
        expected = "upstream" if night.cause == "secret_rotated" else SUSPECTS[night.cause]
        assert largest == expected
        codes = {"runaway_tenant": "429", "secret_rotated": "401"}
        assert night.look("outcome").hottest == codes.get(night.cause, "5xx")


# --- the pictures --------------------------------------------------------------------------------


def test_the_readings_are_drawn_beside_what_is_usual(second: Night) -> None:
    looks = [second.look("upstream"), second.look("region", "upstream=south")]
    plot = plot_readings(looks)
    for axes, rows in zip(plot.figure.axes, looks, strict=True):
        heights = [bar.get_height() for bar in axes.patches]
        assert heights == pytest.approx([100 * share for share in rows.shares])
        [usual] = axes.get_lines()
        assert usual.get_ydata() == pytest.approx([100 * share for share in rows.usual])
    assert [axes.get_title(loc="left") for axes in plot.figure.axes] == [
        "by upstream",
        "by region\nin upstream=south",
    ]
    assert "by upstream: south 38.5%" in plot.numbers


def test_the_changes_stand_where_they_were_made(second: Night) -> None:
    plot = plot_changes(second)
    lines = [line.get_xdata()[0] for line in plot.figure.axes[0].get_lines()[1:]]
    moments = [num2date(x).strftime("%H:%M") for x in lines]
    assert moments == ["17:15", "17:23"]
    assert plot.numbers.startswith("bad from 17:16, paged at 17:27. Changes: 1 at 17:15:")
