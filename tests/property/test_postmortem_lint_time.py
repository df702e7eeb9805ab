"""The postmortem lint takes time in proportion to the text, whatever its shape."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import count, takewhile

import pytest
from examples import examples
from hypothesis import given
from hypothesis import strategies as st

from oncall.postmortem import SECTIONS
from oncall.postmortem_lint import lint_postmortem

Shape = Callable[[int], str]


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    """The lint has built its regular expressions, which it does once."""
    lint_postmortem("Some users failed.", lowest_sli=0.5)


def seconds(text: str, people: tuple[str, ...] = ("Bob", "O'Neil")) -> float:
    """Processor seconds to lint a text, but for the search through what other tests left behind."""
    gc.disable()
    try:
        begin = time.process_time()
        lint_postmortem(text, people=people, lowest_sli=0.5)
        return time.process_time() - begin
    finally:
        gc.enable()


def grows_in_proportion(shape: Shape, size: int) -> bool:
    """Whether four times the text takes at most six times as long; what is quadratic takes 16.

    Other work on the machine may slow one run, and so the best of four pairs counts.
    """
    small, large = shape(size), shape(4 * size)
    return any(seconds(large) <= 6 * max(seconds(small), 0.02) for _ in range(4))


def repeated(unit: str, before: str = "", after: str = "") -> Shape:
    return lambda size: before + unit * (size // len(unit)) + after


def numbered(unit: str, before: str = "") -> Shape:
    """A unit with another number each time, written in letters."""

    def shape(size: int) -> str:
        units = (unit.format("".join(chr(97 + int(d)) for d in str(n))) for n in count(10**6))
        return before + "".join(next(units) for _ in range(size // len(unit.format("x" * 7))))

    return shape


def two_halves(before: str, wide: str, rest: str) -> Shape:
    """Something wide, half of the size, and then as many narrow lines as make up the rest."""
    return lambda size: before.format(wide * (size // 2)) + rest * (size // 2 // len(rest))


ACTIONS = "## Action items\n\n"
LARGE: dict[str, Shape] = {  # where something quadratic shows late
    "findings": repeated("He broke it.\n"),
    "items": repeated("- item\n"),
    "headings": repeated("# a\n"),
    "underlined headings": repeated("a\n===\n"),
    "action items": repeated("- do x\n", ACTIONS),
    "an action item of many lines": repeated("\n  and x\n", ACTIONS + "- do\n"),
    "rows": repeated("| a | b |\n", f"{ACTIONS}| Action | Owner |\n|---|---|\n"),
    "rows below a wide header": two_halves(ACTIONS + "|{}|\n|---|\n", "h", "|a|\n"),
    "owners": numbered("owner: {},\n"),
    "nested items": lambda size: "".join(
        " " * (2 * depth) + "- a\n" for depth in takewhile(lambda n: n * n < size, count())
    ),
    "fences": lambda size: "".join(
        "`" * (3 + n) + "\n" for n in takewhile(lambda n: n * n < 2 * size, count())
    ),
}
SMALL: dict[str, Shape] = {  # where it shows early
    "spaces": repeated(" ", "a", "b"),
    "dashes": repeated("-", "some", "b"),
    "underscores": repeated("_", "a", "a"),
    "dots": repeated("."),
    "digits": repeated("1,"),
    "one word": repeated("mis"),
    "apostrophes": repeated("a'"),
    "quotations that are open": repeated(" 'a"),
    "comments that are open": repeated("<!-- a "),
    "comments after one that is closed": repeated("<!-- a ", "<!-- -->", "<!-- -->"),
    "comments in items": repeated("- <!-- a\n"),
    "backticks": repeated("`` a ` "),
    "nesting": repeated("- "),
    "brackets": repeated("("),
    "quotes": repeated("> "),
    "links": repeated("](http://"),
    "addresses": repeated("a@"),
    "handles": repeated("@a."),
    "people and clauses": repeated("he who did a thing and then "),
    "people on call": repeated("the engineer on call "),
    "hyphens": repeated("a-"),
}


@pytest.mark.parametrize("name", LARGE)
def test_a_long_text_of_many_parts_takes_time_in_proportion(name: str) -> None:
    assert grows_in_proportion(LARGE[name], 100_000)


@pytest.mark.parametrize("name", SMALL)
def test_a_long_line_of_the_same_signs_takes_time_in_proportion(name: str) -> None:
    assert grows_in_proportion(SMALL[name], 10_000)


MARKS = ["# ", "- ", "1. ", "| ", "> ", "```", "~~~", "<!--", "-->", "`", '"', "'", "**", "__", "@"]
ENDS = [
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n  ",
    "\t",
    ". ",
    ", ",
    ": ",
    "-",
    ".",
    ",",
    "(",
    ")",
    "'s ",
    "\0",
]
WORDS = [
    "he",
    "Bob",
    "we",
    "the",
    "engineer",
    "who",
    "and",
    "by",
    "of",
    "a",
    "some",
    "users",
    "never",
]
ACTS = [
    "broke",
    "ran",
    "tested",
    "failed",
    "left",
    "should have",
    "because of",
    "impact",
    "1,200 %",
]
ITEMS = [f"## {name}\n\n" for name in SECTIONS[1:9:7]] + ["owner: ", "due: ", "2024-12-20", "todo"]
UNITS = st.lists(st.sampled_from([*MARKS, *ENDS, *WORDS, *ACTS, *ITEMS]), min_size=1, max_size=6)


@examples(60)
@given(unit=UNITS.map("".join), before=st.sampled_from(["", "a", "he ", ACTIONS + "- "]))
def test_any_unit_repeated_takes_time_in_proportion(unit: str, before: str) -> None:
    assert grows_in_proportion(repeated(unit, before, "a"), 5_000)


@pytest.mark.parametrize("name", ["name{}", "Ana Name{}", "O'Neil{}", "ana.name{}"])
def test_many_people_take_no_longer_than_few(name: str) -> None:
    people = tuple(name.format(number) for number in range(2_000))
    text = " ".join(f"{person} broke it." for person in people) * 2
    assert seconds(text, people) <= 8 * max(seconds(text, people[:20]), 0.02)
