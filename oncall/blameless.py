"""Reading a postmortem for blame, regret, vagueness and loose ends, as a colleague would in review.

No language model: word lists, a table of rules, and a reader of Markdown. Systems may break and
fail; blame needs a person as the subject. Quoted text and code are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from oncall.finding import Finding
from oncall.slo import exact_ratio

_SECTIONS = {  # each section: what other people's templates call it, and what belongs in it
    "Summary": ("(?:executive |incident )?summary|overview|tl dr|what happened", "what happened, in three lines"),
    "Impact": (r"(?:\w+ )?impact", "how many of how many, from when to when"),
    "Detection": (r"(?:\w+ )?detection|how we (?:found out|noticed)", "what told you, and how long after the start"),
    "Timeline (UTC)": (r"(?:incident )?timeline|chronology", "who saw and did what, with times in UTC"),
    "Contributing factors": (r"(?:contributing|root)? ?(?:factors?|causes?)(?: analysis)?", "all that had to be true"),
    "What went well": ("what (?:went (?:well|right)|worked)", "what to keep"),
    "What went wrong": ("what (?:went (?:wrong|poorly|badly)|did(?:n't| not) (?:go well|work))", "what made it worse"),
    "Where we got lucky": ("(?:where )?we got lucky|luck", "what helped that you cannot count on"),
    "Action items": ("(?:corrective )?actions?(?: items?)?|follow ups?|next steps", "who does what by when"),
    "Metrics": ("metrics|(?:key )?numbers", "TTD, TTA, TTM, TTR and the budget spent"),
}
SECTIONS = tuple(_SECTIONS)

# --- words: in a list, a line or ", " parts the entries; a space stands for any white space ----------


def _any(entries: str) -> str:
    return "(?:" + "|".join(entry.strip() for entry in re.split(r", |\n", entries) if entry.strip()) + ")"


_COMMON_NAMES = """alice bob carol dave mallory steve mike john jane mary peter paul anna maria david james robert
    susan sarah lisa kate emma linda karen nancy laura kevin brian george daniel matthew emily rachel priya yuki ivan"""
_ALSO_WORDS = """art bill chase drew faith frank grace grant hope hunter jack mark max may miles page pat ray rich
    rob rose skip stone sue will"""  # names only where written with a capital
_NOBODY = r"(?:tbd|tba|none|nobody|n/a|unassigned|unknown|teams?|\?|-)"
_TEAMS = "platform|search|infra|ops|sre|support|security|data|network|billing|checkout"  # owners that are no names
_ROLES = _any("""(?:on-?call )?engineers?, developers?, devs?, SREs?, DBAs?, interns?, technicians?, contractors?
    consultants?, programmers?, administrators?, sysadmins?, colleagues?, teammates?, employees?, trainees?, new hires?
    analysts?, data scientists?, reviewers?, approvers?, authors?, scribes?, maintainers?, persons?, team
    incident commander, IC, on-?call, someone, somebody""")
# Operators, responders and admins are as often software: only these words before them leave a person.
_UNSURE_ROLES = _any("operators?, responders?, admins?, (?:incident|engineering|shift) manager, (?:team|tech) lead")
_HUMAN = _any(r"on-?call, night, day, shift, duty, human, junior, senior, new, first, second, tired, network, [\w-]+'s")
_ADJECTIVE = r"(?!(?:no|of|for|to|by|with|from|and|or|the|an?|in|on|at|that|which|who|is|was|were|had)\s)[\w'-]++"

_A = r"(?:(?:an?|the|his|her|our|some|several|this|that) )?(?:[\w-]++ )??"
_SLIP = "(?:bug|regression|error|typo|mistake|fault|defect|flaw|leak|blunder|slip|misconfiguration|oversight)s?"
_MIS = "mis(?:configured|typed|read|judged|handled|labell?ed|used|understood|diagnosed)"
_WRONGLY = "(?:accidental|mistaken|inadvertent|wrong|incorrect|erroneous|unintentional|premature|blind|hasti)ly"
_DUTY = (
    "(?:"
    + """bother|test|check|verif|validat|review|read|follow|notic|double-check|think|look|pa(?:y|id) attention
    reali[sz]e|respond|escalate|communicate|tell|inform|consider|update""".replace("\n    ", "|")
    + ")"
)
_FAULTS = _any(
    rf"""{_MIS}, broken?(?! down| off| the (?:news|tie|deadlock|glass|loop)|[^.,;]{{1,40}} into), caused
    crashed, ruined, wrecked, corrupted, destroyed, overwrote, botched, bungled, fumbled, (?:messed|screwed) up
    overlooked, ignored, disregarded, violated, missed, failed (?:to|in|at), slept through, {_WRONGLY} \w+
    introduced {_A}{_SLIP}, made {_A}(?:{_SLIP}|(?:wrong|bad|poor) \w+), left {_A}(?:flag|mode|switch|logging) on
    (?:took|brought|knocked) down(?! the (?:\w+ )?(?:bad|faulty|broken|banner|notice|affected|unhealthy|failing|old))
    (?:took|brought|knocked) {_A}(?:prod|production|site|service|system|API|cluster|region)s? (?:down|offline)
    (?:skipped|bypassed) {_A}(?:review|test|check|canary|checklist|approval|staging|safeguard)s?
    (?:deleted|dropped|wiped|erased|truncated|purged) {_A}(?:prod|production|live|customers?)
    (?:pushed|deployed|shipped|merged|released|applied|committed|approved|ran|typed|configured|set|used|wrote) {_A}"""
    rf"""(?:bad|broken|faulty|incorrect|untested|unreviewed|buggy|invalid), let {_A}\w+ (?:expire|lapse|fill up)
    (?!(?:saw|got|had|found|received|reverted|fixed|caught|to|in|on|at|of|and)\b)\w+ (?:(?:the|an?|in|to|on) )*wrong
    (?:reacted|responded|acted|escalated|waited|took|hesitated) (?:far |much )?too (?:late|long|slowly)
    (?:is|was|were) (?:\w+ly )?(?:to blame|at fault|the (?:\w+ )?(?:cause|culprit)|too (?:slow|late|hasty)|slow to)
    (?:is|was|were) (?:not paying attention|responsible for (?:the |this )?(?:breakage|outage|failure|damage|{_SLIP}))
    (?:did not|didn't|never|had not|hadn't) (?:\w+ly |even )?{_DUTY}\w*(?![^.;]{{0,200}}\b(?:because|since)\b)"""
)
_IN_ERROR = _any(r"""by (?:mistake|accident), in error, too (?:early|soon), (?:against|in|on) the wrong
    without (?:an? |any |the )?(?:test|review|check|approv|read|ask|tell|think|permission|verif|validat|backup)\w*""")
_FORGOT = _any(r"""forgot(?:ten)?, neglected, panicked, bothered to, could(?:n't| not) be bothered
    (?:was|were|got) (?:\w+ ){0,2}(?:lazy|dumb|hasty)""")
_HARSH = _any(r"""careless(?:ly|ness)?, negligen(?:t|ce|tly), incompeten(?:t|ce), reckless(?:ly|ness)?, irresponsibl[ey]
    inattenti(?:ve|on), complacen(?:t|cy), unprofessional(?:ly)?, slopp(?:ily|iness), sloppy(?! quorum| count| phrase)
    stupid(?:ly|ity)?, laziness, foolish(?:ly)?, clums(?:y|ily|iness), inexcusable, know(?:n|s)? better, neglected to
    (?:was|were) forgotten, asleep at the wheel""")
_PARTICIPLE = _any(r"""\w+ed, been, begun, bought, broken, brought, built, caught, chosen, come, cut, done, felt
    found, given, gone, got, had, heard, held, hit, kept, known, led, left, let, lost, made, meant, met, paid, put
    read, run, rung, said, seen, sent, set, shown, shut, slept, spent, spoken, stood, taken, thought, told, woken""")
_PLAIN_NEED = r"(?:automat|dedicat|document|limit|nam|shar|defin|agre|test)ed (?!(?:the|an?|our|it|by|in|at|on)\b)\w"
_WORSE = r"(?:been (?:\w+ )?(?:worse|longer)|lasted (?:\w+ )?longer)"
_THEIRS = _any("provider, vendor, supplier, upstream, partial, AWS, GCP, Azure, Cloudflare, OpenAI, Anthropic, GitHub")
_FEW = _any("some, many, several, (?:a )?few, various, most, multiple, numerous, lots of, an? (?:[a-z]+ ){1,2}of")
_USERS = "(?:users|customers|clients|people|tenants|callers|visitors|requests|queries|calls|sessions|orders|answers)"
_SUFFERED = _any(r"""affected, impacted, experienc\w+, fail\w*, unable, could not, couldn't, lost, slow\w*, degraded
    saw errors?, errors?, had (?:problems|trouble|issues), dropped, timed out, complained, suffered, rejected""")
_MEASURE = rf"\d[\d,.]*+(?:\s*%| percent| of\b| (?:\w+ )?{_USERS})"

# --- rules ---------------------------------------------------------------------------------------

# What stands for a person. NAMES are the names given, common ones, and those the text gives a role.
_ANYBODY = (
    r"(?:(?<![\w@./-])(?<!\bthe\s)(?:NAMES)|(?<![\w@./])@\w+(?:[.-]\w+)*|\b(?:he|she|(?-i:I))\b|"
    r"\b(?:(?:the|an?|our|one|some|another|that|this|their) |(?<![\w-]\s)|(?<=\band\s)|(?<=\bbecause\s))"
    rf"(?:(?:{_ADJECTIVE} ){{0,3}}?{_ROLES}|(?:{_HUMAN} ){{0,2}}{_UNSURE_ROLES})"
    r"(?: (?:on|at|in|from) (?:[\w'-]++ ){0,2}?[\w'-]+| (?-i:[A-Z]\w+)|, (?-i:[A-Z]\w+),)?)"
)
_PERSON = rf"{_ANYBODY}(?![\w'-])"
_PERSON_OR_GROUP = rf"(?:{_PERSON}|\b(?:we|they|you|everyone|everybody|people|nobody|who)\b)"
_AT_LAST = r"(?=\s*[^\s\w]|\s*$| (?:at|in|on|during|when|while|who|and|because|before|after|to|for|from|with|\w+ing)\b)"
_WORD = r"(?!(?:that|which|because|when|while|after|how|why|if|saw|found|noticed|reported|said)\b)[^\s.,;:|]++"


def _subject(who: str) -> str:
    """Somebody up to the verb: "he", "an intern who wrote the loop", "Ana restarted it and", "Wei, in a hurry, had"."""
    words = rf"(?:{_WORD} ){{0,9}}"
    return (
        rf"(?P<object>\b(?:by|of|to|for|with|from|than) )?{who}"
        rf"(?:,? (?P<who>who) {words}?|, {words}{_WORD}, | {words}{_WORD},? (?:and|but) | )"
        r"(?:(?:had|has|also|then|just|\w+ly) ){0,2}?"
    )


@dataclass(frozen=True)
class _Rule:
    """A pattern that makes a finding, but not in these sections, nor, where negatable, after a "not"."""

    name: str
    pattern: str
    why: str
    suggestion: str
    not_in: tuple[str, ...] = ()
    negatable: bool = False


_RULES = (
    _Rule("blame-person", rf"{_subject(_PERSON)}{_FAULTS}\b|{_PERSON} (?:{_WORD} ){{1,12}}?{_IN_ERROR}\b",
          "it makes a person the subject of a fault.",
          "Make the system the subject: which check, step or signal was missing, and what made the act look right?"),
    _Rule("blame-person",
          rf"\b(?:{_MIS}|broken|caused|corrupted|destroyed|overwritten|overlooked|ignored|missed|{_WRONGLY} \w+|{_SLIP}"
          r"(?: in the(?: [\w-]+){1,3})?,?(?: was| were| that was)?(?: made| introduced| caused| committed)?)"
          rf" (?:\w+ly )?(?:by|on the part of) {_PERSON}{_AT_LAST}"
          rf"|(?:{_ANYBODY}'s|\b(?:his|her|my)) (?:own )?(?:[\w-]++ )??(?:{_SLIP}|negligence|carelessness|indecision"
          r"|haste|failure|inexperience|lack of \w+)\b(?! (?:budget|rate|log|report|page|fix|ratio))"
          r"|\b(?:fault of|lies with|blam(?:e|ed|es)|because of|due to|cause (?:of (?:\w+ ){1,4})?was)"
          rf" {_PERSON}{_AT_LAST}", "it lays a fault at a person's door.",
          "Say what happened and what let it through; whose hands it went through explains nothing.", negatable=True),
    _Rule("human-error",
          r"\b(?:human|operator|pilot) (?:error|mistake|failure)s?\b(?! (?:rate|baseline|bar))|\bfat-?finger\w*",
          "it ends the inquiry where it should begin.",
          "Ask what made the slip easy and its effect large: an unlabelled field, no preview, no limit, no canary.",
          negatable=True),
    _Rule("counterfactual",
          rf"\b(?:(?:should|could|would)(?: not|n't)?|ought(?: not)? to)(?: have|'ve| of) (?!{_PLAIN_NEED}|{_WORSE})"
          rf"(?:(?:not|never|also|always|already|just|probably|at least|\w+ly) )?{_PARTICIPLE}\b|\bin hindsight\b"
          r"|\bif only\b(?! (?:one|two|three|\d|a|some|half)\b)[^.;]{0,80}? (?:had|could|would)\b",
          "it describes a night that did not happen.",
          "Say what did happen and why it made sense then; what you want changed is an action item.",
          not_in=("Action items", "Where we got lucky")),
    _Rule("judgement", rf"\b{_HARSH}\b|{_subject(_PERSON_OR_GROUP)}{_FORGOT}\b|(?<![\w'-]\s)\bforgot\b",
          "it judges people.",
          "Say what made it easy to miss: was there a step, a reminder, a check that fails without it?"),
    _Rule("vague-impact",
          rf"\b{_FEW} (?:of )?(?:our |the )?(?:\w+ )?{_USERS}\b(?![^.;]{{0,99}}?{_MEASURE})[^.;]{{0,80}}? {_SUFFERED}\b"
          r"|(?<![\w%)]\s)\b(?:users|customers) were (?:affected|impacted)\b|\bsome (?:\w+ )?impact\b"
          r"|\bimpact (?:was|is) (?:\w+ly )?(?:minor|small|limited|low|minimal|significant|large|severe)\b"
          r"|\b(?:somewhat|slightly|partially|noticeably) (?:degraded|slow\w*|worse)|\bfor (?:a while|some time)\b",
          "nobody can tell how bad it was.",
          "Give the number: how many of how many, from when to when, and the lowest SLI.", not_in=SECTIONS[2:]),
    _Rule("be-careful",
          r"\b(?:more careful(?:ly)?|be careful|try(?:ing)? harder|more vigilant|more diligent|be mindful|remember to"
          r"|(?<!not\s)(?<!n't\s)pay (?:(?:more|closer) )?attention|double[- ]check(?! in)|take more care)\b",
          "nobody is careful at three in the morning, and nothing will be different next time.",
          "Change something that works when people are tired: a check in the pipeline, a limit, an alert, a default."),
    _Rule("not-an-outage",
          rf"(?P<object>\b{_THEIRS}(?:'?s)? (?:\w+ ){{0,3}}?)?\boutages?\b(?!-| (?:of|at|in) (?:the |our )?{_THEIRS})",
          "the SLI never reached 0.", "Call it a degradation and give the lowest SLI.",
          not_in=("Action items",), negatable=True),
)  # fmt: skip
_NEGATED = re.compile(r"(?:\b(?:not|no|never|nor|avoid|instead of|rather than)\b|n't\b)[^.,;:]*$", re.I)


# --- the lint ------------------------------------------------------------------------------------


def lint_postmortem(text: str, *, people: Sequence[str] = (), lowest_sli: float | None = None) -> list[Finding]:
    """What in this postmortem blames, judges, regrets or stays vague, in the order of its lines.

    ``people`` are names to be read as people; @handles, roles such as "the on-call engineer", he
    and she are known without. "Outage" is questioned where ``lowest_sli``, a ratio, is above 0.
    Any text is taken. A sentence by itself gets only its own findings; a text with headings is
    also told which of ``SECTIONS`` it lacks. Lines count from 1; 0 is the text as a whole.
    What could have been may be written under "Action items" and "Where we got lucky".
    """
    if isinstance(people, str):
        raise ValueError(f"people must be a list of names, given {people!r}; give [{people!r}]")
    partial = lowest_sli is not None and (exact_ratio(lowest_sli, "lowest_sli") or 0) > 0
    blocks, names = _blocks(text), _names(people, text)
    found = [*_section_findings(blocks), *_action_findings(blocks)]
    for rule in _RULES:
        if partial or rule.name != "not-an-outage":
            pattern = re.compile(rule.pattern.replace(" ", r"\s+").replace("NAMES", names), re.I)
            found += [finding for block in blocks for finding in _hits(rule, pattern, block)]
    return sorted(dict.fromkeys(found), key=lambda finding: finding.line)


def _hits(rule: _Rule, pattern: re.Pattern[str], block: _Block) -> Iterator[Finding]:
    for match in pattern.finditer(block.prose if block.section not in rule.not_in else ""):
        groups = match.groupdict()
        somebody_elses = groups.get("object") and not groups.get("who")  # "the script run by Bob failed to start"
        before = block.prose[max(0, match.start() - 80) : match.start()]
        if not somebody_elses and not (rule.negatable and _NEGATED.search(before)):
            line = block.line + block.prose.count("\n", 0, match.start())
            phrase = " ".join(block.raw[match.start() : match.end()].split())
            yield Finding(line, phrase, rule.name, rule.why, rule.suggestion)


def _names(people: Sequence[str], text: str) -> str:
    """The names as a pattern: whole, first and last; in any case, unless the name is also a word."""
    roles = r"(?im)\b(?:owner|IC|incident commander|scribe|author)\s?[:=]\s?@?([^\W\d_]++)(?=\s?(?:[,;)|.]|$))"
    named = [name for name in re.findall(roles, text) if not re.fullmatch(f"{_NOBODY}|{_TEAMS}", name, re.I)]
    wholes = [name.split() for name in (*people, *named, *_COMMON_NAMES.split()) if name.strip()]
    parts = dict.fromkeys(part for words in wholes for part in (tuple(words), (words[0],), (words[-1],)))
    return "|".join(_name(words) for words in parts)


def _name(words: Sequence[str]) -> str:
    pattern = r"\s+".join(map(re.escape, words))
    return f"(?-i:{pattern.title()})" if pattern.lower() in _ALSO_WORDS.split() else pattern


# --- sections and action items ---------------------------------------------------------------------

_UNFILLED = re.compile(r"\W*+(?:todo|tbd|tba|fill in|fill this in)?\W*", re.I)
_OWNER = re.compile(
    r"(?i)(?:\b(?:owner|assignee|responsible|who|DRI)s?\s?[:=]|\bassigned to\b|\bowned by\b)[\s*]*+"
    rf"(?!{_NOBODY}(?!\w))[^\s,;)|]|(?<!\w)@\w|\(\w+(?: \w+)?, (?:due |by )?\d"
)
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
_DATE = re.compile(  # but not one that tells when something happened, as in "broke on 2024-12-04"
    r"(?i)(?:\bdue:? on |(?<!\bon\s)(?<!\bof\s)(?<!\bsince\s)(?<!\bfrom\s)(?<!\bthe\s))"
    rf"\b(?:\d{{4}}-\d\d|\d\d?[./]\d\d?[./]\d\d|\d\d?\.? {_MONTH}|{_MONTH}[a-z]*\.? \d|Q[1-4]\b)"
)


def _section_findings(blocks: list[_Block]) -> Iterator[Finding]:
    titles = {block.section: block for block in reversed(blocks) if block.kind == "title"}
    filled = {block.section for block in blocks if block.kind not in _HEADINGS and not _UNFILLED.fullmatch(block.raw)}
    wanted = _SECTIONS.items() if any(block.kind in _HEADINGS for block in blocks) else ()
    for name, (_, belongs) in wanted:
        advice = f'Write {belongs}, or "Nothing recorded."'
        if name not in titles:
            yield Finding(0, name, "missing-section", "the section is missing.", advice)
        elif name not in filled:
            yield Finding(titles[name].line, name, "missing-section", "the section is empty.", advice)
    for block in blocks:
        if block.kind == "title" and "root" in block.raw.lower():
            advice = 'Call it "Contributing factors" and list all that had to be true.'
            yield Finding(block.line, block.raw.strip("#*_: "), "root-cause", "there is seldom one.", advice)


def _action_findings(blocks: list[_Block]) -> Iterator[Finding]:
    for line, item in _actions([block for block in blocks if block.section == "Action items"]):
        phrase = " ".join(item.split())[:60]
        if not _OWNER.search(item):
            yield Finding(line, phrase, "no-owner", "nobody will do it.", "Name one person, such as owner: ana.")
        if not _DATE.search(item):
            yield Finding(line, phrase, "no-date", "it is only a wish.", "Give a day, such as due: 2024-12-20.")


def _actions(blocks: list[_Block]) -> list[tuple[int, str]]:
    """The action items by line: table rows, list items with what is indented below, or else paragraphs."""
    listed = any(block.kind in ("item", "row") for block in blocks)
    items: list[tuple[int, list[str]]] = []
    header: list[str] = []
    for block in blocks:
        cells = [cell.strip() for cell in block.raw.strip().strip("|").split("|")]
        if block.kind == "row" and not header:
            header = cells
        elif block.kind == "row" and block.raw.strip("|-: "):
            items.append((block.line, [f"{head}: {cell};" for head, cell in zip(header, cells, strict=False)]))
        elif items and block.raw.startswith(("  ", "\t")):
            items[-1][1].append(block.raw)
        elif block.kind == "item" or (block.kind == "text" and not listed):
            items.append((block.line, [block.raw]))
    found = [(line, "\n".join(parts)) for line, parts in items]
    return [(line, item) for line, item in found if not re.match(r"\W*(?:nothing|none|no|tbd|todo)\b", item, re.I)]


# --- reading Markdown ------------------------------------------------------------------------------

_HEADINGS = ("title", "heading")  # a title opens one of SECTIONS
_ITEM = re.compile(r"(?:[-*+•]|\d{1,3}[.)])\s")
_ACTION = re.compile(r"\W*(?:prevent|mitigate|detect|process):|.*\bowner:", re.I)
_FENCED = re.compile(r"(?ms)<!--.*?(?:-->|\Z)|^[ \t]*(```|~~~)[^`\n]*$.*?(?:^[ \t]*\1\S*[ \t]*$|\Z)")
_QUOTED = re.compile(r"""``[^`]*``|`[^`]*`|"[^"]*"|(?<!\w)'[^']*+(?:(?<=\w)'(?=\w)[^']*+)*+'(?!\w)|https?://\S+""")
_EMPHASIS = re.compile(r"\*|(?<![^\W_])_|_(?![^\W_])")
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


@dataclass(frozen=True)
class _Block:
    """A title, heading, item, row, text or quote, and the section it stands in."""

    line: int
    kind: str
    section: str
    raw: str

    @cached_property
    def prose(self) -> str:
        """``raw`` with quotations and code hidden, place by place: what the writer says, not what is cited."""
        if self.kind in ("quote", "title"):
            return ""
        # NUL is no space, letter or stop: no pattern reaches across it.
        hidden = _QUOTED.sub(lambda match: re.sub(r"[^\n]", "\0", match[0]), self.raw.translate(_STRAIGHT))
        return _EMPHASIS.sub(" ", hidden)


def _blocks(text: str) -> list[_Block]:
    lines = _FENCED.sub(_as_quote, text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    parts: list[tuple[int, str, str, list[str]]] = []
    section, depth, before = "", 0, "blank"
    for number, (line, below) in enumerate(zip(lines, [*lines[1:], ""], strict=True), 1):
        kind = _kind(line.expandtabs(4), below.strip(), before)
        level = len(line.strip()) - len(line.strip().lstrip("#")) or 2
        if kind == "title" or (kind == "heading" and level <= depth):
            section, depth = _section(line), level
        if kind == "text" and before in ("text", "item"):
            parts[-1][3].append(line)
        elif kind != "blank":
            action = kind == "item" and not section and _ACTION.match(line)
            parts.append((number, kind, "Action items" if action else section, [line]))
        before = kind
    return [_Block(number, kind, place, "\n".join(rows)) for number, kind, place, rows in parts]


def _as_quote(fenced: re.Match[str]) -> str:
    """Fenced code as a block quote, a comment as nothing, on as many lines."""
    return "\n".join("> " + line if fenced[1] else "" for line in fenced[0].split("\n"))


def _kind(line: str, below: str, before: str) -> str:
    bare = line.strip()
    if not bare.strip("-") or not bare.strip("="):
        return "blank"
    if bare[0] == ">" or (line.startswith("    ") and before in ("blank", "quote")):
        return "quote"
    if _ITEM.match(bare):
        return "item"
    if bare[0] == "|":
        return "row"
    underlined = len(below) > 2 and not (below.strip("-") and below.strip("="))
    if underlined or (bare[0] == "#" and bare.lstrip("#")[:1].isspace()):
        return "title" if _section(bare) else "heading"
    return "title" if (bare.startswith("**") or bare.endswith(":")) and _section(bare) else "text"


def _section(title: str) -> str:
    """The section that this heading opens, or "" for none."""
    plain = " ".join(re.sub(r"\([^()]*\)|[^a-z']", " ", title.translate(_STRAIGHT).lower()).split())
    return next((name for name, (titles, _) in _SECTIONS.items() if re.fullmatch(titles, plain)), "")
