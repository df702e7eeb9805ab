"""Reading a postmortem for blame, regret, vagueness and loose ends, as a colleague would in review.

No language model: quotations are hidden, people become "@", and each rule is a list of phrases.
Systems may break and fail; blame needs a person as the subject.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from oncall.findings import Finding
from oncall.postmortem import SECTIONS
from oncall.slo import exact_ratio

# --- phrases -------------------------------------------------------------------------------------
# How a phrase is written stands in ``postmortem_words.toml``, beside the words that have a name.

_JOINS = "that|which|because|when|while|after|how|why|if"
_TELLS = "saw|found|noticed|spotted|reported|said|reverted|fixed"
# Every repetition that borders on another is possessive ("++"), so that no text takes for ever.
_GAP = rf"(?:(?!(?:{_JOINS}|{_TELLS})\b)(?:[^\s.,;:|-]|[.,:]\b)++[\s-]++){{0,8}}?"
_SIGNS = {"*": r"\w*", "@": "@++", "&": "&++", "... ": _GAP, " ": r",?[\s-]++"}  # in this order
_EITHER = r"[\w*?']+(?:/[\w*?']+)+"


@cache
def _words() -> dict[str, Any]:
    """The lists of words under ``words``, by name, and what is ``fine`` whatever the rules say."""
    return tomllib.loads(Path(__file__).with_name("postmortem_words.toml").read_text("utf-8"))


@cache
def _any(phrases: str) -> str:
    """A regular expression for any of these phrases; a space also matches a hyphen or line end."""

    def listed(name: re.Match[str]) -> str:
        words = _words()["words"]
        return _any(words[name[0]]) if name[0] in words else name[0]

    pattern = "|".join(phrase.strip() for phrase in re.split(r",\s|\n", phrases))
    pattern = re.sub(r"\(([^()]+)\) ", r"(?:\1 |)", pattern)
    pattern = re.sub(_EITHER, lambda words: f"(?:{words[0].replace('/', '|')})", pattern)
    for sign, meaning in _SIGNS.items():
        pattern = pattern.replace(sign, meaning)
    return f"(?:{re.sub('[A-Z]+', listed, pattern)})"


@cache
def _phrases(phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@&-])(?=[\w@&]|\A){_any(phrases)}(?![\w-])")


def _did(who: str, what: str) -> str:
    """The phrases in which somebody does something, at once or after some words."""
    between = ("", "... and/but/then ", "who ... ", "on/at/in/from (*) (*) * ")
    return ", ".join(f"{who} {words}(had/has/also/then/just) (*ly) {what}" for words in between)


# --- rules ---------------------------------------------------------------------------------------


@cache
def _section_guide() -> dict[str, tuple[str, str]]:
    """What other people's templates call each section, and what belongs in it; in their order."""
    return dict(zip(SECTIONS, map(tuple, _words()["sections"]), strict=True))


@dataclass(frozen=True)
class _Rule:
    """Phrases that make a finding, but not in the sections ``not_in`` or beside the ``unless``."""

    name: str
    phrases: str
    why: str
    suggestion: str
    not_in: tuple[str, ...] = ()
    unless: str = ""


_ROOT_CAUSE = (
    "root-cause", "there is seldom one.",
    'Call it "Contributing factors" and list all that had to be true.')  # fmt: skip
_RULES = (
    _Rule(_ROOT_CAUSE[0], "ROOTS", *_ROOT_CAUSE[1:]),
    _Rule("blame-person", _did("@", "FAULT") + ", BLAMES",
        "it lays a fault at a person's door.",
        "Make the system the subject: which check, step or signal was missing, and what made the "
        "act look right?"),
    _Rule("human-error", "ERRORS",
        "it ends the inquiry where it should begin.",
        "Ask what made the slip easy and its effect large: an unlabelled field, no preview, no "
        "limit, no canary."),
    _Rule("counterfactual", "REGRETS",
        "it describes a night that did not happen.",
        "Say what did happen and why it made sense then; what you want changed is an action item.",
        not_in=("Action items", "Where we got lucky")),
    _Rule("judgement", f"{_did('@', 'FORGOT')}, {_did('&', 'FORGOT')}, HARSH",
        "it judges people.",
        "Say what made it easy to miss: was there a step, a reminder, a check that fails without "
        "it?"),
    _Rule("vague-impact", "VAGUE",
        "nobody can tell how bad it was.",
        "Give the number: how many of how many, from when to when, and the lowest SLI.",
        not_in=SECTIONS[2:],
        unless=r"NUMBER percent/of/USERS, NUMBER (?!FEW)\w+ USERS, USERS \(NUMBER, NUMBER\s?%"),
    _Rule("be-careful", "CAREFUL",
        "nobody is careful at three in the morning, and nothing will be different next time.",
        "Change something that works when people are tired: a check in the pipeline, a limit, an "
        "alert, a default."),
    _Rule("local-time", r"CLOCK (am/pm) \(?ZONE", "only some readers know when it was.",
        "Give all times in UTC.", not_in=tuple(name for name in SECTIONS if name != SECTIONS[3]),
        unless=r"utc\W{1,4}CLOCK, ZONE\W{1,4}CLOCK utc"),
    _Rule("not-an-outage", "outages?", "the SLI never reached 0.",
        "Say which part was out, or call it a degradation and give the lowest SLI.",
        not_in=("Action items",),
        unless="partial outage/outages, "
        "outage/outages of/in/at/for (the/our) (*) (*) region/zone/cell/shard/cluster/tenant/part"),
)  # fmt: skip
# What every action item must hold, and the finding if it does not.
_NOBODY = r"(?:tbd|tba|none|nobody|n/a|unassigned|unknown|teams?|\?|-)"
_OWNER = re.compile(
    r"(?i)(?:\b(?:owner|assignee|responsible|who|DRI)s?\s?[:=]|\bassigned to\b|\bowned by\b)[\s*]*+"
    rf"(?!{_NOBODY}(?!\w))[^\s,;)|]|(?<!\w)@\w|\(\w+(?: \w+)?, (?:due |by )?\d"
)
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_WILLING = re.compile(r"\b([^\W\d_]++)[*_]*+ (?:to|will)\b")  # "Ana to raise the limit"
_DATE = re.compile(  # but not one that tells when something happened, as in "broke on 2024-12-04"
    r"(?i)(?:\bdue:? on |(?<!\bon\s)(?<!\bof\s)(?<!\bsince\s)(?<!\bfrom\s)(?<!\bthe\s))"
    rf"\b(?:\d{{4}}-\d\d|\d\d?[./]\d\d?[./]\d\d|\d\d?\.? {_MONTH}|{_MONTH}[a-z]*\.? \d|Q[1-4]\b)"
)
_ITEM_RULES = (
    (_OWNER, "no-owner", "nobody will do it.", "Name one person, such as owner: ana."),
    (_DATE, "no-date", "it is only a wish.", "Give a day, such as due: 2024-12-20."),
)


# --- the lint ------------------------------------------------------------------------------------


def lint_postmortem(
    text: str, *, people: Sequence[str] = (), lowest_sli: float | None = None, whole: bool = False
) -> list[Finding]:
    """What in this postmortem blames, judges, regrets or stays vague, in the order of its lines.

    ``people`` are names to be read as people; @handles, roles such as "the on-call engineer", he
    and she are known without. "Outage" is questioned if ``lowest_sli``, a ratio, is above 0.

    Any text is accepted. Sentences alone get only their own findings. A text that is ``whole``, has
    headings, is empty or is only a file's name is also told which of ``SECTIONS`` it lacks. Lines
    count from 1; 0 is the text as a whole. What could have been may be written under "Action items"
    and "Where we got lucky".
    """
    if not isinstance(text, str):
        given = f"given {text!r:.60}; give e.g. path.read_text()"
        raise ValueError(f"text must be the postmortem itself, {given}")
    if isinstance(people, str):
        raise ValueError(f"people must be a list of names, given {people!r}; give [{people!r}]")
    partial = lowest_sli is not None and (exact_ratio(lowest_sli, "lowest_sli") or 0) > 0
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    prose = _hide(_ESCAPED.sub("  ", text.translate(_STRAIGHT)))  # each character keeps its place
    starts = [0, *(end.end() for end in re.finditer("\n", text))]  # of the lines
    blocks = list(_blocks(text, prose, starts))
    prose = _phrases(_words()["fine"]).sub(_blank, _mark_people(prose, people))
    if _NO_TEXT.fullmatch(text) or any(block.kind in _HEADINGS for block in blocks):
        whole = True
    findings = [*_section_findings(blocks, whole), *_item_findings(blocks, people)]
    rules = [rule for rule in _RULES if partial or rule.name != "not-an-outage"]
    for block in blocks:
        if block.kind != "title":
            findings += _rule_findings(rules, block, prose, starts)
    order = {rule.name: place for place, rule in enumerate(rules, 1)}
    return sorted(dict.fromkeys(findings), key=lambda found: (found.line, order.get(found.rule, 0)))


def _rule_findings(
    rules: list[_Rule], block: _Block, prose: str, starts: list[int]
) -> Iterator[Finding]:
    rules = [rule for rule in rules if block.section not in rule.not_in]
    for sentence in _SENTENCE.finditer(prose, block.start, block.start + len(block.text)):
        words = sentence[0]
        for rule in rules:
            found = list(_phrases(rule.phrases).finditer(words))
            if not found or (rule.unless and _phrases(rule.unless).search(words)):
                continue
            for match in found:
                start, end = (sentence.start() + place for place in match.span())
                phrase = " ".join(block.text[start - block.start : end - block.start].split())
                yield Finding(bisect(starts, start), phrase, rule.name, rule.why, rule.suggestion)


def _section_findings(blocks: list[_Block], whole: bool) -> Iterator[Finding]:
    titles = [block for block in blocks if block.kind == "title"]
    lines = {title.section: title.line for title in reversed(titles)}
    bodies = [block for block in blocks if block.kind not in _HEADINGS]
    filled = {block.section for block in bodies if not _UNFILLED.fullmatch(block.text)}
    for name, (_, contents) in _section_guide().items():
        if whole and name not in filled:
            rule, why = "missing-section", "the section is missing or empty."
            advice = f'Write {contents}, or "Nothing recorded."'
            yield Finding(lines.get(name, 0), name, rule, why, advice)
    for title in titles:
        if "root" in title.text.lower():
            yield Finding(title.line, title.text.strip("#*_: "), *_ROOT_CAUSE)


def _item_findings(blocks: list[_Block], people: Sequence[str]) -> Iterator[Finding]:
    names = set(" ".join([*people, _words()["names"]]).lower().split())
    for line, item in _action_items([block for block in blocks if block.section == "Action items"]):
        phrase = " ".join(item.split())[:60]
        willing = any(name.lower() in names for name in _WILLING.findall(item))
        for pattern, rule, why, advice in _ITEM_RULES:
            if not (pattern.search(item) or (willing and pattern is _OWNER)):
                yield Finding(line, phrase, rule, why, advice)


def _action_items(blocks: list[_Block]) -> list[tuple[int, str]]:
    """The action items by line: rows of a table or items of a list, or if there are none, texts.

    What is indented below an item belongs to it.
    """
    kind = "item" if any(block.kind in ("item", "row") for block in blocks) else "text"
    items: list[tuple[int, list[str]]] = []
    header: list[str] = []
    for block in blocks:
        if block.kind == "row":
            cells = [cell.strip() for cell in block.text.strip().strip("|").split("|")]
            if not header:
                header = [cell[-60:] for cell in cells]  # of which every row gets a copy
            elif block.text.strip("|-: "):
                named = map(": ".join, zip(header, cells, strict=False))
                items.append((block.line, ["; ".join(named)]))
        elif items and block.text[0].isspace():
            items[-1][1].append(block.text)
        elif block.kind == kind:
            items.append((block.line, [block.text]))
    joined = ((line, "\n".join(texts)) for line, texts in items)
    return [(line, item) for line, item in joined if not _NO_ITEM.match(item)]


# --- people --------------------------------------------------------------------------------------

_GIVEN = rf"@?(?!{_NOBODY})([^\W\d_]++)(?=\s?(?:[,;)|.]|$))"
_NAMED = re.compile(rf"(?im)\b(?:owner|IC|commander|scribe|author)\s?[:=]\s?{_GIVEN}")
_WORD = r"(?<![\w@./-])(?<!\bthe\s)"  # what may be a name begins here


def _mark_people(prose: str, people: Sequence[str]) -> str:
    """The text in small letters, with people as "@@@", or "&&&" where they are not who acts."""
    emphasis = r"\*|\b_++|(?<!_)_++\b"
    plain = re.sub(emphasis, lambda marks: " " * len(marks[0]), prose)

    def mark(match: re.Match[str]) -> str:
        to = match["to"] or ""
        return to + ("&" if to or match["group"] else "@") * (len(match[0]) - len(to))

    return _person().sub(mark, _mark_names(plain, [*people, *_NAMED.findall(prose)]))


def _mark_names(plain: str, people: list[str]) -> str:
    """The text in small letters, with names as "NNN", which no other word can be then."""
    names = set(" ".join([*people, _words()["names"], "I"]).lower().split())
    also_words = _words()["also_words"].split()

    def mark(match: re.Match[str]) -> str:
        word = match[0]
        if word not in names:
            return word
        written = plain[match.start() : match.end()]
        return word if word in also_words and written != word.title() else "N" * len(word)

    text = plain.lower()
    odd = sorted((name for name in names if not re.fullmatch(r"[\w-]+", name)), reverse=True)
    if odd:  # such as o'neil
        text = re.sub(rf"{_WORD}(?:{'|'.join(map(re.escape, odd))})(?![\w-])", mark, text)
    return re.sub(rf"{_WORD}[\w-]++", mark, text)


@cache
def _person() -> re.Pattern[str]:
    return re.compile(
        r"(?P<to>\b(?:by|of|to|for|with|from|than)\s++)?(?<!\bno\s)(?<![\w@./-])"
        r"(?:(?P<group>we|they|you|every(?:one|body))|@\w+(?:[.-]\w+)*"
        rf"|N++(?:\s++N++)*|(?:{_any('SOME')}\s++of\s++)?{_any('PERSON')})(?![\w-])"
        r"(?:,(?:\s(?!who)[\w'-]+){1,5},(?=\s))?"  # "the DBA, in a hurry, dropped"
    )


# --- reading Markdown ----------------------------------------------------------------------------

_HEADINGS = ("title", "heading")  # a title opens one of SECTIONS
_NO_TEXT = re.compile(r"\s*(?:\S+\.(?:md|txt)\s*)?")  # nothing, or only a path, given by mistake
_UNFILLED = re.compile(r"\W*+(?:todo|tbd|tba|fill in|fill this in)?\W*", re.I)
_NO_ITEM = re.compile(  # nothing, or what is done
    r"(?is)\W*(?:nothing|none|no|tbd|todo)\b|\W*(?:\[x\]|[\u2611\u2705\u2714])|[-*+\s]*+~~[^~]++~~\W*+$|.*\((?:done|fixed)\)\W{0,9}$"
)
_ACTION = re.compile(r"\W*(?:prevent|mitigate|detect|process):|.*\bowner:|[-*+\s]++\[ \]\s", re.I)
_SENTENCE = re.compile(r"(?:[^.!?]++|[.!?](?!\s))++")
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u0130", "''\"\"i")  # the last grows in small
_ESCAPED = re.compile(r"\\[\\*_<]")  # shown, and so no emphasis and no comment
_ITEM = r"(?:[-*+•]|\d{1,3}[.)])[ \t]"
_MORE = rf"\n(?![ \t]*+(?:\#{{1,6}}[ \t]|\||>|{_ITEM}|$))"  # a line end within one block
_BLOCK = re.compile(
    rf"""(?mx)^[ \t]*+(?!$)(?:
    (?P<row>\|.*)
    |(?P<heading>\#{{1,6}}[ \t].*|(?!{_ITEM}).+\n(?:-{{3,}}|={{3,}})$)
    |(?P<item>{_ITEM}.*(?:{_MORE}.+)*+)
    |(?P<label>\*\*[^*\n]*\*\*:?$|.*:$)
    |(?P<text>.+(?:{_MORE}.+)*+))"""
)
_OPENING = re.compile(  # of a list item, a comment or code
    rf"""(?x)(?P<lead>[ \t]*+(?P<item>(?:{_ITEM}[ \t]{{0,3}}+)*+))
    (?P<mark><!--|`{{3,}}+(?=[^`]*$)|~{{3,}}+|)"""
)
_BEGINS = re.compile(rf"[#|]|```|~~~|<!--|---|{_ITEM}")  # a block
_RUN = re.compile(  # what a mark and the one that closes it must both stand in
    rf"(?m)^[ \t]*+(?:(?:#{{1,6}}[ \t]|\|).*|(?!$).+(?:{_MORE}(?!\0).+)*+)"
)
_QUOTED = r"""(?x)``(?:[^`]++|`(?!`))*+`` | `[^`]*+` | "[^"]*+"
    | (?<!\w)'(?:[^']++|(?<=\w)'(?=\w))*+'(?!\w)
    | https?://\S+ | (?<![\w.+-])[\w.+-]+@\S+ | @(?!\w) | &"""  # code, quotations, addresses
_COMMENTED = re.compile(rf"{_QUOTED} | (?P<comment><!(?=--)(?:[^-]++|-(?!->))*+(?P<end>-->)?)")


@dataclass(frozen=True)
class _Block:
    """A title, heading, item, row or text: where it starts, and which section it is in."""

    start: int
    line: int
    kind: str
    section: str
    text: str


def _hide(text: str) -> str:
    """The prose of a text: what is no comment, code, quotation or address, in its place.

    A mark that is not closed in its own paragraph, item, row or heading hides nothing.
    """
    return _RUN.sub(lambda run: _COMMENTED.sub(_hidden, run[0]), "\n".join(_prose_lines(text)))


def _hidden(match: re.Match[str]) -> str:
    if not match["comment"]:
        return _blank(match)
    return _blank(match, " ") if match["end"] else re.sub(_QUOTED, _blank, match[0])


def _blank(hidden: re.Match[str], filler: str = "\0") -> str:
    """The same number of filler characters; a space counts for nothing."""
    return "\n".join(filler * len(line) for line in hidden[0].split("\n"))


def _without_quotes(lines: list[str]) -> Iterator[str]:
    """The lines, those of a quotation blank; it goes on in a line that begins no block."""
    quoted = False
    for line in lines:
        words = line.lstrip(" \t")
        quoted = words[:1] == ">" or (quoted and words != "" and not _BEGINS.match(words))
        yield "\0" * len(line) if quoted else line


def _prose_lines(text: str) -> Iterator[str]:
    """The lines of a text without block comments, fenced or indented code, and quoted lines.

    As in CommonMark, what is not closed ends with the list item that holds it, or with the text.
    """
    item = 0  # the column where a line must begin to belong to the last list item
    closes: re.Pattern[str] | None = None  # what ends the comment or code that is open
    may_be_code, filler = True, ""
    for line in _without_quotes(text.split("\n")):
        words = line.lstrip(" \t")
        indent = len(line[: len(line) - len(words)].expandtabs(4))
        begin = after = 0  # where the line is hidden from, and where that may end
        if words and indent < item:
            closes = None
        if closes or not words:
            may_be_code = not closes
        elif words[0] == "\0" or (may_be_code and indent >= item + 4):
            may_be_code = words[0] != "\0"
            line = "\0" * len(line)
        elif opening := _OPENING.match(line):
            lead, mark = opening["lead"], opening["mark"]
            if opening["item"]:
                item = len(lead.expandtabs(4))
            elif mark or may_be_code:  # another line may continue the paragraph of an item
                item = min(item, indent)
            if mark and (opening["item"] or indent < item + 4):
                begin, after = len(lead), len(lead) + 2
                fence_end = rf"^[ \t]*+{mark[0]}{{{len(mark)},}}+[ \t]*+$"
                closes = re.compile(".*?-->" if mark == "<!--" else fence_end)
                filler = " " if mark == "<!--" else "\0"
            may_be_code = False
        if closes:
            ended = closes.match(line, after)
            end = ended.end() if ended else len(line)
            line = line[:begin] + filler * (end - begin) + line[end:]
            closes = None if ended else closes
        yield line


def _blocks(text: str, prose: str, starts: list[int]) -> Iterator[_Block]:
    """The blocks of a text, found in its prose, which is as long."""
    section, depth = "", 0
    for match in _BLOCK.finditer(prose):
        kind, words = str(match.lastgroup), match[0].strip()
        title = _title(words) if kind in ("heading", "label") else ""
        level = len(words) - len(words.lstrip("#")) or 2
        if title or (kind == "heading" and level <= depth):
            section, depth = title, level
        if title:
            kind = "title"
        elif kind == "label":
            kind = "text"
        in_section = section
        if kind == "item" and not section and _ACTION.match(words):
            in_section = "Action items"
        start, end = match.span()
        yield _Block(start, bisect(starts, start), kind, in_section, text[start:end])


def _title(words: str) -> str:
    """The section that this heading opens, or "" if it opens none."""
    heard = re.sub(r"\([^()]*\)|:\w+:", "", words[:80].lower())  # and no emoji by its name
    plain = " ".join(re.findall(r"(?:[^\W\d_]|')+", heard))
    found = _titles().fullmatch(plain)
    return SECTIONS[(found.lastindex or 0) - 1] if found else ""


@cache
def _titles() -> re.Pattern[str]:
    titles = "|".join(f"({_any(titles)})" for titles, _ in _section_guide().values())
    return re.compile(rf"(?:{titles})(?: {_any('ABOUT')})?")
