"""Reading a postmortem for blame, vagueness and loose ends, as a colleague would in review.

No language model: word lists, a table of rules, and a reader of Markdown. Systems may break and
fail; blame needs a person as the subject. Quoted text and code are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from oncall.finding import Finding
from oncall.slo import exact_ratio, percent

_SECTIONS = {  # each section: what other people's templates call it, and what belongs in it
    "Summary": (r"(?:executive |incident )?summary|overview|abstract|tl dr|what happened", "what happened, in three lines"),
    "Impact": (r"(?:\w+ )?impact", "how many of how many, from when to when"),
    "Detection": (r"(?:\w+ )?detection|how we (?:found out|noticed)", "what told you, and how long after the start"),
    "Timeline (UTC)": (r"(?:incident )?timeline|chronology", "who did and saw what, with times in UTC"),
    "Contributing factors": (r"contributing (?:factors?|causes?)|(?:root )?causes?(?: analysis)?", "all that had to be true"),
    "What went well": (r"what (?:went (?:well|right)|worked)", "what to keep"),
    "What went wrong": (r"what (?:went (?:wrong|poorly|badly)|did(?:n't| not) (?:go well|work))", "what made it longer or worse"),
    "Where we got lucky": (r"(?:where )?we got lucky|luck", "what saved you that you cannot count on"),
    "Action items": (r"(?:corrective )?actions?(?: items?)?|follow ups?|next steps|remediation", "each with an owner and a date"),
    "Metrics": (r"metrics|(?:key )?numbers", "TTD, TTA, TTM, TTR and the budget spent"),
}
SECTIONS = tuple(_SECTIONS)

# --- word lists: a line or ", " parts the entries; a space stands for any white space ----------------


def _any(entries: str) -> str:
    return "(?:" + "|".join(entry.strip() for entry in re.split(r", |\n", entries) if entry.strip()) + ")"


_COMMON_NAMES = """alice bob carol dave mallory steve mike john jane mary peter paul anna maria david james robert
    susan linda karen nancy laura kevin brian george daniel matthew emily rachel priya ahmed fatima yuki ivan olga"""
_ALSO_WORDS = """art bill chase drew faith frank grace grant hope hunter jack mark max may miles page pat ray rich
    rob rose skip stone sue will"""  # names only where written with a capital
_NOBODY = _any(r"tbd, tba, none, nobody, n/a, unassigned, unknown, teams?, \?, -")

_ROLES = _any(r"""(?:on-?call )?engineers?, developers?, devs?, SREs?, DBAs?, interns?, technicians?, contractors?
    consultants?, programmers?, administrators?, sysadmins?, colleagues?, teammates?, employees?, trainees?, new hires?
    analysts?, data scientists?, reviewers?, approvers?, authors?, scribes?, maintainers?, persons?, teams?
    incident commander, IC, on-?call, someone, somebody""")
# Operators, responders and admins are as often software: only these words before them leave a person.
_UNSURE_ROLES = _any("operators?, responders?, admins?, (?:incident|engineering|shift) manager, (?:team|tech) lead")
_HUMAN = _any(r"on-?call, night, day, shift, duty, human, junior, senior, new, first, second, tired, network, [\w-]+'s")
_ADJECTIVE = r"(?!(?:no|of|for|to|by|with|from|and|or|the|an?|in|on|at|that|which|who|is|was|were|had)\s)[\w'-]+"
_THE = r"(?:the|an?|our|one|some|another|that|this|their|\w+'s)"

_GAP = r"(?:(?!\b(?:that|which|because|when|while|after|how|why|if|saw|found|noticed|reported|said)\b)[^.,;:|]){1,80}?"
_A = r"(?:(?:an?|the|his|her|our|some|several|this|that) )?(?:[\w-]+ )?"
_SLIP = "(?:bug|regression|error|typo|mistake|fault|defect|flaw|leak|blunder|slip|misconfiguration|oversight)s?"
_MIS = _any("misconfigured, mistyped, misread, misjudged, mishandled, mislabell?ed, misused, misunderstood, misdiagnosed")
_WRONGLY = "(?:accidental|mistaken|inadvertent|wrong|incorrect|erroneous|unintentional|improper|premature|blind|hasti)ly"
_FAULTS = _any(rf"""
    broken?(?! down| off| the (?:news|tie|deadlock|glass|loop)|[^.,;]{{1,40}} into), caused, crashed, ruined, wrecked
    corrupted, destroyed, overwrote, botched, bungled, fumbled, (?:messed|screwed) up, {_MIS}
    overlooked, ignored, disregarded, violated, missed, failed (?:to|in|at), slept through, {_WRONGLY} \w+
    introduced {_A}{_SLIP}, made {_A}(?:{_SLIP}|(?:wrong|bad|poor) \w+)
    (?:took|brought|knocked) down(?! the (?:\w+ )?(?:bad|faulty|broken|banner|notice|affected|unhealthy|failing|old))
    (?:took|brought|knocked) {_A}(?:prod|production|site|service|system|everything|API|cluster|region)s? (?:down|offline)
    (?:skipped|bypassed) {_A}(?:review|test|check|canary|checklist|approval|staging|safeguard)s?
    (?:deleted|dropped|wiped|erased|truncated|purged) {_A}(?:prod|production|live|customers?)
    (?:pushed|deployed|shipped|merged|released|applied|committed|approved|ran|entered|typed|configured|set|used|wrote)"""
    rf""" {_A}(?:bad|broken|faulty|incorrect|untested|unreviewed|buggy|invalid)
    (?!(?:saw|got|received|had|found|spotted|reverted|fixed|corrected|replaced|caught|to|in|on|at|of|and|with)\b)\w+ (?:(?:the|an?|in|to|on) ){{0,2}}wrong
    (?:reacted|responded|acted|escalated|waited|took|hesitated) (?:far |much )?too (?:late|long|slowly)
    {_GAP} (?:by (?:mistake|accident)|in error|too (?:early|soon))
    {_GAP} without (?:an? |any |the )?(?:test|review|check|approv|read|ask|tell|think|permission|verif|validat|backup)\w*
    (?:is|was|were) (?:\w+ly )?(?:to blame|at fault|the (?:\w+ )?(?:cause|culprit)|too (?:slow|late|hasty))""")
_DUTIES = _any(r"""bother, test, check, verif, validat, review, read, follow, notic, double-check, think, look
    pa(?:y|id) attention, reali[sz]e, escalate, communicate, tell, inform, consider, update""")
_FORGOT = r"(?:forgot(?:ten)?|neglected|panicked|couldn't be bothered|bothered to|(?:was|were|got) (?:\w+ ){0,2}(?:lazy|dumb|hasty))"
_HARSH = _any(r"""careless(?:ly|ness)?, negligen(?:t|ce|tly), incompeten(?:t|ce), reckless(?:ly|ness)?, irresponsibl[ey]
    inattenti(?:ve|on), complacen(?:t|cy), unprofessional(?:ly)?, slopp(?:ily|iness), sloppy(?! quorum| count| phrase)
    stupid(?:ly|ity)?, laziness, foolish(?:ly)?, clums(?:y|ily|iness), inexcusable, know(?:n|s)? better, neglected to
    (?:was|were) forgotten, asleep at the wheel""")
_PARTICIPLE = _any(r"""\w+ed, been, begun, bought, broken, brought, built, caught, chosen, come, cut, done, felt, found
    given, gone, got, had, heard, held, hit, kept, known, led, left, let, lost, made, meant, met, paid, put, read, run
    rung, said, seen, sent, set, shown, shut, slept, spent, spoken, stood, taken, thought, told, understood, woken, won""")
_PLAIN_NEED = r"(?:automat|dedicat|document|limit|nam|shar|defin|agre|test)ed (?!(?:the|an?|our|it|by|in|at|on)\b)\w"
_WORSE = r"(?:been (?:\w+ )?(?:worse|longer)|lasted (?:\w+ )?longer)"
_THEIRS = _any("providers?, vendors?, suppliers?, upstream, partial, AWS, GCP, Azure, Cloudflare, OpenAI, Anthropic, GitHub")
_FEW = _any("some, many, several, (?:a )?few, various, most, multiple, numerous, lots of, an? (?:[a-z]+ ){1,2}of")
_USERS = "(?:users|customers|clients|people|tenants|callers|visitors|requests|queries|calls|sessions|orders|answers)"
_SUFFERED = _any(r"""affected, impacted, experienc\w+, fail\w*, unable, could not, couldn't, lost, slow\w*, degraded, saw
    errors?, dropped, timed out, complained, suffered, disrupted, rejected""")
_MEASURE = rf"\d[\d,.]*(?:\s*%| percent| of\b| (?:\w+ )?{_USERS})"

# --- rules ---------------------------------------------------------------------------------------

# What stands for a person. NAMES are the names given, common ones, and those the text gives a role.
_ANYBODY = (
    r"(?:(?<![\w@./-])(?<!\bthe\s)(?:NAMES)|(?<![\w@./])@\w+(?:[.-]\w+)*|\b(?:he|she|(?-i:I))\b|"
    rf"(?:\b{_THE} |(?<![\w-]\s)\b|(?<=\band\s)|(?<=\bbecause\s))"
    rf"(?:(?:{_ADJECTIVE} ){{0,3}}?{_ROLES}|(?:{_HUMAN} ){{0,2}}{_UNSURE_ROLES})"
    r"(?: (?:on|at|in|from) (?:[\w'-]+ ){0,2}?[\w'-]+| (?-i:[A-Z]\w+)|, (?-i:[A-Z]\w+),)?)"
)
_PERSON = rf"{_ANYBODY}(?![\w'-])"
_PERSON_OR_GROUP = rf"(?:{_PERSON}|\b(?:we|they|you|everyone|everybody|people|nobody|who)\b)"
_NO_NOUN = r"(?=\s*[^\s\w]|\s*$| (?:at|in|on|during|when|while|who|and|because|before|after|to|for|from|with|\w+ing)\b)"


def _subject(who: str) -> str:
    """Somebody up to what they did: "he", "an intern who wrote the loop", "Ana restarted it and", "Wei had accidentally"."""
    link = rf"(?:,? (?P<who>who)(?: {_GAP})?|, {_GAP},| {_GAP},? (?:and|then|but))? (?:(?:had|has|also|then|just|simply|\w+ly) ){{0,2}}?"
    return rf"(?P<object>\b(?:by|of|to|for|with|from|than) )?{who}{link}"


@dataclass(frozen=True)
class _Rule:
    """A pattern that makes a finding, in these sections; "" stands for text outside all of them."""

    name: str
    pattern: str
    why: str
    suggestion: str
    sections: tuple[str, ...] = ("", *SECTIONS)
    unless_negated: bool = False


_RULES = (
    _Rule("blame-person", rf"{_subject(_PERSON)}{_FAULTS}\b", "it makes a person the subject of a fault.",
          "Make the system the subject: which check, default or signal let this happen, and what made it look right?"),
    _Rule("blame-person", rf"{_subject(_PERSON)}(?:did not|didn't|never|had not|hadn't) (?:\w+ly |even )?{_DUTIES}\w*"
          r"(?![^.;]{0,200}\b(?:because|since)\b)", "it names a duty a person did not do.",
          "Say what was missing instead: the step in the runbook, the check in the pipeline, the signal to see."),
    _Rule("blame-person", rf"\b(?:{_MIS}|broken|caused|corrupted|destroyed|overwritten|botched|overlooked|ignored|missed"
          rf"|forgotten|{_WRONGLY} \w+|{_SLIP}(?: in the(?: [\w-]+){{1,3}})?,?(?: (?:was|were|that was))?"
          r"(?: (?:\w+ly )?(?:made|introduced|caused|added|committed|created|left|written|typed))?)"
          rf" (?:\w+ly )?(?:by|on the part of) {_PERSON}{_NO_NOUN}", "it blames a person in the passive voice.",
          "Leave the person out: say which guard let it through, or which screen made it easy.", unless_negated=True),
    _Rule("blame-person", rf"(?:(?:{_ANYBODY}'s|\b(?:his|her|my)) (?:own )?(?:[\w-]+ )?(?:{_SLIP}|negligence|carelessness|indecision|hesitation|haste|inexperience"
          r"|misreading|failure|lack of \w+)\b(?! (?:budget|rate|log|report|page|fix|ratio))|(?:\b(?:fault of|lies with"
          rf"|blam(?:e|ed|es)|because of|due to)|\bcause\b[^.;]{{0,40}} was) {_PERSON}{_NO_NOUN})", "it gives a person the fault.",
          "Say what happened and what made it possible; whose hands it went through explains nothing.", unless_negated=True),
    _Rule("human-error", r"\b(?:human|operator|pilot) (?:error|mistake|failure)s?\b(?! (?:rate|baseline|bar))|\bfat-?finger",
          "it ends the inquiry where it should begin.", "Ask what made the slip easy and its effect large: an unlabelled "
          "field, no preview, no limit, no canary.", unless_negated=True),
    _Rule("counterfactual", r"\b(?:(?:should|could|would)(?: not|n't)?|ought(?: not)? to)(?: have|'ve| of) "
          rf"(?!{_PLAIN_NEED}|{_WORSE})(?:(?:not|never|also|always|already|just|probably|at least|\w+ly) )?{_PARTICIPLE}\b"
          r"|\bin hindsight\b|\bif only\b(?! (?:one|two|three|\d|a|some|part|half|the last)\b)[^.;]{0,80} (?:had|could|would|knew)\b",
          "it describes a night that did not happen.", "Say what did happen and why it made sense then; what you want "
          "changed is an action item.", tuple({"", *SECTIONS} - {"Action items", "Where we got lucky"})),
    _Rule("judgement", rf"\b{_HARSH}\b|{_subject(_PERSON_OR_GROUP)}{_FORGOT}\b"
          r"|(?<![\w'-]\s)\bforgot\b", "it judges people.",
          "Say what made it easy to miss: was there a step, a reminder, a check that fails without it?"),
    _Rule("vague-impact", rf"\b{_FEW} (?:of )?(?:our |the )?(?:\w+ )?{_USERS}\b(?![^.;]{{0,300}}{_MEASURE})[^.;]{{0,80}} "
          rf"{_SUFFERED}\b|\bimpact (?:was|is) (?:\w+ly )?(?:minor|small|limited|low|minimal|significant|large|severe)\b|\b(?:somewhat|slightly|partially|noticeably) (?:degraded|slow\w*|worse)|\bfor (?:a while|some time)\b",
          "nobody can tell how bad it was.", "Give the number: how many of how many, from when to when, and the lowest SLI.",
          ("", "Summary", "Impact")),
    _Rule("be-careful", r"\b(?:more careful(?:ly)?|be careful|try(?:ing)? harder|more vigilant|more diligent"
          r"|(?<!not\s)(?<!n't\s)pay (?:(?:more|closer|better|special|careful) )?attention|double-check(?! in)|take more care|be mindful|remember to)\b",
          "nobody is careful at three in the morning, and nothing will be different next time.",
          "Change something that works when people are tired: a check in the pipeline, a limit, an alert, a default."),
)  # fmt: skip
_NEGATED = re.compile(r"(?:\b(?:not|no|never|nor|avoid|instead of|rather than)\b|n't\b)[^.,;:]*$", re.I)


def _outage_rule(lowest_sli: float) -> _Rule:
    return _Rule("not-an-outage", rf"(?P<theirs>\b{_THEIRS}(?:'s?)? (?:\w+ )?)?\boutages?\b(?!-)",
                 f"the SLI never reached 0: its lowest was {percent(lowest_sli)}.", "Call it a degradation and give the "
                 "share that failed.", tuple({"", *SECTIONS} - {"Action items"}), unless_negated=True)  # fmt: skip


# --- the lint ------------------------------------------------------------------------------------


def lint_postmortem(text: str, *, people: Sequence[str] = (), lowest_sli: float | None = None) -> list[Finding]:
    """What in this postmortem blames, judges, regrets or stays vague, in the order of its lines.

    ``people`` are names to be read as people; roles, @handles, he and she are known. With
    ``lowest_sli``, a ratio above 0, "outage" is too strong a word. Any text is taken: a sentence
    by itself gets its own findings, and only a text with headings is told which sections it lacks.
    Counterfactuals are allowed under "Action items" and "Where we got lucky".
    """
    if isinstance(people, str):
        raise ValueError(f"people must be a list of names, given {people!r}; give [{people!r}]")
    partial = lowest_sli is not None and (exact_ratio(lowest_sli, "lowest_sli") or 0) > 0
    rules = (*_RULES, _outage_rule(lowest_sli)) if lowest_sli is not None and partial else _RULES
    blocks, names = _blocks(text), _names(people, text)
    found = [*_section_findings(blocks), *_action_findings(blocks)]
    for rule in rules:
        pattern = re.compile(rule.pattern.replace(" ", r"\s+").replace("NAMES", names), re.I)
        found += [finding for block in blocks if block.section in rule.sections for finding in _hits(rule, pattern, block)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.line)


def _hits(rule: _Rule, pattern: re.Pattern[str], block: _Block) -> Iterator[Finding]:
    for match in pattern.finditer(block.prose):
        named = match.groupdict()
        before = block.prose[max(0, match.start() - 80) : match.start()]
        theirs = named.get("theirs") or (named.get("object") and not named.get("who"))
        if theirs or (rule.unless_negated and _NEGATED.search(before)):
            continue
        line = block.line + block.prose.count("\n", 0, match.start())
        yield Finding(line, " ".join(block.raw[match.start() : match.end()].split()), rule.name, rule.why, rule.suggestion)


def _names(people: Sequence[str], text: str) -> str:
    """The names as a pattern: whole, first and last; any case will do unless the name is also a word."""
    roles = re.findall(r"(?i)\b(?:owner|IC|incident commander|scribe|author)\s?[:=]\s?@?([^\W\d_]+)(?=\s?[,;)|.]|\s*$)", text)
    given = [*people, *(name for name in roles if not re.fullmatch(_NOBODY, name, re.I))]
    known = [part for name in given for part in (name, *name.split()[:1], *name.split()[-1:]) if part.strip()]
    patterns = {r"\s+".join(map(re.escape, name.split())): name for name in (*known, *_COMMON_NAMES.split())}
    ordinary = _ALSO_WORDS.split()
    return "|".join(f"(?-i:{p.title()})" if name.lower() in ordinary else p for p, name in patterns.items())


# --- reading Markdown ------------------------------------------------------------------------------

_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_ACTION = re.compile(r"\W*(?:prevent|mitigate|detect|process):|.*\bowner:", re.I)
_QUOTED = re.compile(r"""``[^`]*``|`[^`]*`|"[^"]*"|(?<!\w)'[^']*+(?:(?<=\w)'(?=\w)[^']*+)*+'(?!\w)|https?://\S+""")
_EMPHASIS = re.compile(r"\*|(?<![^\W_])_|_(?![^\W_])")
_STRAIGHT = str.maketrans("‘’“”", "''\"\"")


@dataclass(frozen=True)
class _Block:
    """A heading, list item, table row, paragraph or quote, and where it stands; ``prose`` is ``raw`` without quotations."""

    line: int
    kind: str
    section: str
    raw: str

    @property
    def prose(self) -> str:
        if self.kind == "quote" or (self.kind == "heading" and _section(self.raw)):
            return ""
        # NUL is neither a space nor a letter nor a stop, so that no pattern reaches across a quotation.
        hidden = _QUOTED.sub(lambda match: re.sub(r"[^\n]", "\0", match[0]), self.raw.translate(_STRAIGHT))
        return _EMPHASIS.sub(" ", hidden)


def _blocks(text: str) -> list[_Block]:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    parts: list[tuple[int, str, str, list[str]]] = []
    section, depth, before = "", 0, "blank"
    for number, (line, kind) in enumerate(zip(lines, _kinds(lines), strict=True), 1):
        if kind == "heading":
            level = len(line.lstrip()) - len(line.lstrip(" #")) or 2
            if _section(line) or level <= depth:
                section, depth = _section(line), level
        if kind == "text" and before in ("text", "item"):
            parts[-1][3].append(line)
        elif kind != "blank":
            action = kind == "item" and not section and _ACTION.match(line)
            parts.append((number, kind, "Action items" if action else section, [line]))
        before = kind
    return [_Block(number, kind, place, "\n".join(rows)) for number, kind, place, rows in parts]


def _kinds(lines: list[str]) -> Iterator[str]:
    """What each line is: heading, item, row, quote, text or blank. Code counts as a quote, a comment as blank."""
    fence, before, in_list = "", "blank", False
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        bare, indent = line.strip(), len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())
        kind = "text"
        if fence:
            kind = "blank" if fence == "-->" else "quote"
            fence = "" if bare.endswith(fence) else fence
        elif bare.startswith("<!--"):
            kind, fence = "blank", "" if "-->" in bare else "-->"
        elif bare.startswith(("```", "~~~")) and bare[0] not in bare.lstrip(bare[0]):
            kind, fence = "quote", bare[:3]
        elif not bare or set(bare) <= {"-"} or set(bare) <= {"="}:
            kind = "blank"
        elif bare[0] == ">" or (indent >= (6 if in_list else 4) and before in ("blank", "quote")):
            kind = "quote"
        elif bare.lstrip("#")[:1].isspace() and bare[0] == "#" or _is_bare_heading(bare, below.strip()):
            kind = "heading"
        elif _ITEM.match(bare):
            kind, in_list = "item", True
        elif bare[0] == "|":
            kind = "row"
        in_list = in_list and (kind == "item" or indent > 0 or kind == "blank" or before == "item")
        before = kind
        yield kind


def _is_bare_heading(bare: str, below: str) -> bool:
    """An underlined line, or a section's name by itself in bold or with a colon."""
    underlined = len(below) > 2 and (set(below) == {"-"} or set(below) == {"="}) and bare[0] not in "-*+|"
    return underlined or (bare.startswith("**") or bare.endswith(":")) and bool(_section(bare))


def _section(title: str) -> str:
    """Which section this heading opens, or ""."""
    plain = " ".join(re.sub(r"\([^()]*\)|[^a-z']", " ", title.translate(_STRAIGHT).lower()).split())
    return next((name for name, (titles, _) in _SECTIONS.items() if re.fullmatch(titles, plain)), "")


# --- sections and action items ---------------------------------------------------------------------

_UNFILLED = re.compile(r"\W*(?:todo|tbd|tba|fill in|fill this in)?\W*", re.I)
_OWNER = re.compile(rf"(?:\b(?:owner|assignee|responsible|who|DRI)s?\s?[:=]|\bassigned to\b|\bowned by\b)[\s*]*+(?!{_NOBODY}"
                    r"(?!\w))[^\s,;)|]|(?<!\w)@\w|\(\w+(?: \w+)?, (?:due |by )?\d", re.I)  # fmt: skip
_DATE = re.compile(r"(?:(?:due|date|by|eta|deadline):? (?:on )?|(?<!\bon\s)(?<!\bof\s)(?<!\bsince\s)(?<!\bfrom\s)(?<!\bthe\s))"
                   r"\b(?:\d{4}-\d\d|\d{1,2}[./]\d{1,2}[./]\d\d|\d{1,2}(?:st|nd|rd|th)?\.? (?:MONTHS)|(?:MONTHS)[a-z]*\.? \d|Q[1-4]\b)"
                   .replace("MONTHS", "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"), re.I)  # fmt: skip


def _section_findings(blocks: list[_Block]) -> Iterator[Finding]:
    headings = [block for block in blocks if block.kind == "heading"]
    filled = {block.section for block in blocks if block.kind != "heading" and not _UNFILLED.fullmatch(block.raw)}
    for name, (_, belongs) in _SECTIONS.items() if headings else ():
        line = next((block.line for block in headings if _section(block.raw) == name), 0)
        if not line or name not in filled:
            yield Finding(line, name, "missing-section", "the section is empty." if line else "the section is missing.",
                          f"Write {belongs}, or \"Nothing recorded.\"")  # fmt: skip
    for block in headings:
        if _section(block.raw) and "root" in block.raw.lower():
            yield Finding(block.line, block.raw.strip("#*_: "), "root-cause", "there is seldom one.",
                          'Call it "Contributing factors" and list all that had to be true.')  # fmt: skip


def _action_findings(blocks: list[_Block]) -> Iterator[Finding]:
    for line, item in _actions([block for block in blocks if block.section == "Action items"]):
        phrase = " ".join(item.split())[:60]
        if not _OWNER.search(item):
            yield Finding(line, phrase, "no-owner", "nobody owns it, so nobody will do it.",
                          "Name one person, such as (owner: ana, due: 2024-12-20).")  # fmt: skip
        if not _DATE.search(item):
            yield Finding(line, phrase, "no-date", "without a date it is a wish.", "Give a day, such as due: 2024-12-20.")


def _actions(blocks: list[_Block]) -> list[tuple[int, str]]:
    """The action items with their lines: list items with what is indented below them, table rows, or else paragraphs."""
    listed = any(block.kind in ("item", "row") for block in blocks)
    items: list[tuple[int, str]] = []
    header: list[str] = []
    for block in blocks:
        cells = [cell.strip() for cell in block.raw.strip().strip("|").split("|")]
        if block.kind == "row" and not header:
            header = cells
        elif block.kind == "row" and not set(block.raw) <= set("|-: "):
            items.append((block.line, "; ".join(f"{head}: {cell}" for head, cell in zip(header, cells, strict=False))))
        elif items and block.raw.startswith(("  ", "\t")):
            items[-1] = (items[-1][0], f"{items[-1][1]}\n{block.raw}")
        elif block.kind == "item" or (block.kind == "text" and not listed):
            items.append((block.line, block.raw))
    return [(line, item) for line, item in items if not re.match(r"\W*(?:nothing|none|no)\b", item, re.I)]
