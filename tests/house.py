"""The house as it is built: modules, what they import, and the table of layers in CONTRIBUTING.md.

``python tests/house.py`` prints the picture of it, in Mermaid, and ``--write`` puts that into
CONTRIBUTING.md. A *room* is a flat module or a folder at the top of ``oncall/``; ``__init__`` and
``__main__`` are rooms too. Rooms on floor 1 import no other room; each other room stands one floor
above the highest that it imports.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "oncall"
GUIDE = ROOT / "CONTRIBUTING.md"
TABLE = re.compile(r"^```layers\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PICTURE = re.compile(r"^```mermaid\n.*?^```$", re.MULTILINE | re.DOTALL)


# --- what is there -------------------------------------------------------------------------------


@cache
def modules() -> dict[str, Path]:
    """Every module by its dotted path below ``oncall``; a folder has ``folder.__init__``."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts): path
        for path in sorted(PACKAGE.rglob("*.py"))
    }


@cache
def tree(module: str) -> ast.Module:
    """The syntax tree of a module."""
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def folder(module: str) -> str:
    """The folder that a module stands in, dotted, and empty at the top."""
    return module.rpartition(".")[0]


def imported(node: ast.AST) -> list[str]:
    """The dotted names that a statement imports; of ``from a import b`` a.b, maybe a module."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute here"
        return [f"{node.module}.{name.name}" for name in node.names]
    return []


def imports(module: str) -> Iterator[tuple[str, str]]:
    """What a module imports of ``oncall``, anywhere in it: the module, and the name or ``""``."""
    for node in ast.walk(tree(module)):
        for target in imported(node):
            if target.split(".")[0] == "oncall":
                yield resolve(target.partition(".")[2])


def resolve(target: str) -> tuple[str, str]:
    """The module that a dotted path below ``oncall`` leads to, and what is left: a name in it."""
    for module in (target, f"{target}.__init__".lstrip(".")):
        if module in modules():
            return module, ""
    above, _, name = target.rpartition(".")
    return resolve(above)[0], name


# --- the table -----------------------------------------------------------------------------------


def layers(guide: str) -> list[tuple[str, str]]:
    """The table of layers in a text, as (layer, module) in its order.

    A line begins with the layer's name, or with a space where it goes on with the one above. A name
    that ends with ``/`` is a folder, and its modules stand in it.
    """
    found = TABLE.search(guide)
    assert found, "there is no block ```layers"
    rows = []
    layer = ""
    for line in found[1].splitlines():
        words = line.split()
        if not line.startswith(" "):
            layer = words.pop(0)
        prefix = layer.replace("/", ".") if layer.endswith("/") else ""
        rows += [(layer, prefix + word) for word in words]
    return rows


# --- rooms and floors ----------------------------------------------------------------------------


def room(module: str) -> str:
    """The room that a module is or stands in."""
    return module.split(".")[0]


@cache
def arrows() -> dict[str, set[str]]:
    """For each room the other rooms that it imports from."""
    found: dict[str, set[str]] = {room(module): set() for module in modules()}
    for module in modules():
        found[room(module)] |= {room(target) for target, _ in imports(module)}
    return {importer: targets - {importer} for importer, targets in found.items()}


@cache
def floors() -> dict[str, int]:
    """The floor of each room, from 1; a circle of imports is a ``graphlib.CycleError``."""
    numbers: dict[str, int] = {}
    for name in TopologicalSorter(arrows()).static_order():
        numbers[name] = 1 + max((numbers[target] for target in arrows()[name]), default=0)
    return numbers


# --- the picture ---------------------------------------------------------------------------------


def picture(guide: str) -> str:
    """The rooms by layer as a Mermaid diagram, with an arrow from each to what it imports.

    Arrows that a way over other rooms implies are left out, and so is ``__init__``, which only
    hands names on.
    """
    shown = [name for name in _rooms(guide) if name != "__init__"]
    flat = [name for name in shown if not (PACKAGE / name).is_dir() and name != "__main__"]
    lines = ["```mermaid", "flowchart TB", "  subgraph toolkit"]
    lines += [f"    {name}" for name in flat]
    lines.append("  end")
    lines += [f'  {name}["{name}/"]' for name in shown if (PACKAGE / name).is_dir()]
    for name in sorted(shown, key=lambda name: (-floors()[name], shown.index(name))):
        direct = arrows()[name]
        implied = set().union(*(_reachable(target) for target in direct))
        lines += [f"  {name} --> {target}" for target in sorted(direct - implied)]
    return "\n".join([*lines, "```"])


def _rooms(guide: str) -> list[str]:
    """The rooms in the order of the table."""
    return list(dict.fromkeys(room(module) for _, module in layers(guide)))


@cache
def _reachable(name: str) -> frozenset[str]:
    """The rooms that a room imports, by whatever way."""
    direct = arrows()[name]
    return frozenset(direct.union(*(_reachable(target) for target in direct)))


def main(arguments: list[str]) -> None:
    """Print the picture, or write it into the guide."""
    guide = GUIDE.read_text(encoding="utf-8")
    drawn = picture(guide)
    if arguments != ["--write"]:
        print(drawn)
        return
    assert PICTURE.search(guide), "there is no block ```mermaid"
    GUIDE.write_text(PICTURE.sub(lambda _: drawn, guide), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
