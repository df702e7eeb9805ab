"""The lessons' cards on one printable page: ``python -m oncall.workbook.cards [FILE.html]``.

The page is ``out/cards.html`` unless another is named.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path

from oncall.files import read_json, write_text

ROWS = ("formula", "number", "warning")
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>The on-call workbook: cards</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; color: #222; max-width: 46rem; margin: 1rem auto; }}
section {{ border: 1px solid #767676; border-radius: 6px; padding: 0 1rem .6rem; margin: .8rem 0;
  break-inside: avoid; }}
h1 {{ font-size: 1.3rem; }} h2 {{ font-size: 1.05rem; margin: .6rem 0 .2rem; }}
dt {{ font-weight: bold; }} dd {{ margin: 0 0 .3rem 1rem; }}
</style>
<h1>The on-call workbook: cards</h1>
{cards}
</html>
"""


def main(names: Sequence[str]) -> int:
    """Write the page; 1 when there is no lesson with a card."""
    page = Path(names[0]) if names else Path("out/cards.html")
    lessons = sorted(Path("notebooks").glob("*.ipynb"))
    sections = [_section(*card) for card in map(read_card, lessons) if card]
    if not sections:
        nothing = "no lesson with a card below notebooks/; go to the project's folder"
        print(nothing, file=sys.stderr)
        return 1
    page.parent.mkdir(parents=True, exist_ok=True)
    write_text(page, _PAGE.format(cards="\n".join(sections)))
    print(f"{page}: {len(sections)} cards")
    return 0


def read_card(path: Path) -> tuple[str, dict[str, str]] | None:
    """A lesson's title, and its card's formula, number and warning; ``None`` if it has no card."""
    cells = read_json(path)["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    last = prose[-1] if prose else ""
    rows = dict(re.findall(r"^\| \*\*(\w+)\*\* \| (.+) \|$", last, re.MULTILINE))
    if not all(name in rows for name in ROWS):
        return None
    title = prose[0].splitlines()[0].strip("# ")
    return f"{path.stem[:2]} {title}", {name: rows[name] for name in ROWS}


def _section(title: str, rows: dict[str, str]) -> str:
    lines = "".join(f"<dt>{name}</dt><dd>{_inline(text)}</dd>" for name, text in rows.items())
    return f"<section><h2>{escape(title)}</h2><dl>{lines}</dl></section>"


def _inline(markdown: str) -> str:
    """The little Markdown that cards use: bold, italics and code."""
    text = escape(markdown, quote=False).replace("\\|", "|")
    for mark, tag in ((r"\*\*", "b"), (r"\*", "i"), ("`", "code")):
        text = re.sub(rf"{mark}(\S.*?){mark}", rf"<{tag}>\1</{tag}>", text)
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
