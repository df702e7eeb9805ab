"""The house that stands is the one that CONTRIBUTING.md describes: its layers, size and picture."""

from __future__ import annotations

import ast
import sys

import pytest
from house import (
    GUIDE,
    PACKAGE,
    PICTURE,
    ROOT,
    arrows,
    floors,
    folder,
    imported,
    imports,
    layers,
    modules,
    picture,
    resolve,
    tree,
)

TEXT = GUIDE.read_text(encoding="utf-8")
ORDER = [module for _, module in layers(TEXT)]
ON_STANDARD_LIBRARY = ("toolkit", "gameday/", "cli/", "door")  # layers that import nothing else
KNOWN = set(modules()) - {"__init__"}  # which hands on names of the whole house
LONGEST = 450  # lines
PURE_DATA = {"oncall/catalogue.py"}

# --- layers --------------------------------------------------------------------------------------


def test_the_table_names_every_module_once() -> None:
    in_folders = {module for module in modules() if not module.endswith(".__init__")}
    assert sorted(in_folders - set(ORDER)) == [], "add these to the table of CONTRIBUTING.md"
    assert sorted(set(ORDER) - in_folders) == [], "take these off the table of CONTRIBUTING.md"
    assert len(set(ORDER)) == len(ORDER)


def last_place(target: str) -> int:
    """The place of a module in the table; for a folder's ``__init__``, its last module's."""
    if target in ORDER:
        return ORDER.index(target)
    inside = f"{folder(target)}."
    return max(place for place, module in enumerate(ORDER) if module.startswith(inside))


@pytest.mark.parametrize("module", [name for name in ORDER if name in KNOWN])
def test_a_module_imports_only_what_stands_before_it(module: str) -> None:
    for target, name in imports(module):
        assert last_place(target) < ORDER.index(module), (
            f"{module} imports {name or 'the whole'} of {target}, which stands after it: move one "
            "of them in the table of CONTRIBUTING.md, or what is imported to a module before both"
        )


@pytest.mark.parametrize("module", [module for module in modules() if module.endswith("__init__")])
def test_an_init_hands_on_names_of_its_own_folder_only(module: str) -> None:
    inside = folder(module)
    for target, _ in imports(module):
        assert not inside or target.startswith(f"{inside}."), f"{module} imports from {target}"


@pytest.mark.parametrize("module", modules())
def test_what_begins_with_an_underscore_stays_in_its_folder(module: str) -> None:
    for target, name in imports(module):
        own, last = folder(target), target.rpartition(".")[2]
        private = [part for part in (last, name) if part.startswith("_") and part != "__init__"]
        assert not private or own == folder(module), f"{module} imports {private} of {target}"


@pytest.mark.parametrize(
    "module",
    [name for layer, name in layers(TEXT) if layer in ON_STANDARD_LIBRARY and name in modules()],
)
def test_the_toolkit_the_game_and_the_command_line_need_the_standard_library_only(
    module: str,
) -> None:
    body = tree(module)
    lazy = {node for scope in ast.walk(body) if is_lazy(scope) for node in ast.walk(scope)}
    for node in ast.walk(body):
        for target in imported(node):
            known = target.split(".")[0] in {*sys.stdlib_module_names, "oncall"}
            assert known or node in lazy, f"{module} imports {target}"


def is_lazy(node: ast.AST) -> bool:
    """Whether an import does not run what stands in it: a function, or what is only typed."""
    if isinstance(node, ast.If):
        return ast.unparse(node.test) == "TYPE_CHECKING"
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def test_the_table_is_read_line_by_line() -> None:
    text = "before\n```layers\ntoolkit  times slo\n         counts\ncli/     verbs\n```\nafter\n"
    assert layers(text) == [
        ("toolkit", "times"),
        ("toolkit", "slo"),
        ("toolkit", "counts"),
        ("cli/", "cli.verbs"),
    ]


def test_an_import_leads_to_a_module_and_what_is_left_is_a_name() -> None:
    assert resolve("counts.Counts") == ("counts", "Counts")
    assert resolve("gameday") == ("gameday.__init__", "")
    assert resolve("gameday.Desk") == ("gameday.__init__", "Desk")
    assert resolve("SLO") == ("__init__", "SLO")


# --- size ----------------------------------------------------------------------------------------


def test_there_are_at_most_28_rooms() -> None:
    """Each module and each folder at the top of ``oncall/``, but for the two doors."""
    assert len(set(arrows()) - {"__init__", "__main__"}) <= 28


def test_there_are_at_most_10_floors() -> None:
    assert max(floors().values()) <= 10, sorted(floors().items(), key=lambda pair: pair[1])


FILES = [
    path.relative_to(ROOT).as_posix()
    for part in (PACKAGE, ROOT / "tests", ROOT / "data")
    for path in sorted(part.rglob("*.py"))
]


@pytest.mark.parametrize("name", FILES)
def test_no_file_is_longer_than_a_reader_holds(name: str) -> None:
    lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST or name in PURE_DATA, f"{name} has {lines} lines: it is two ideas"


def test_the_files_of_pure_data_are_there() -> None:
    assert set(FILES) >= PURE_DATA


# --- the picture ---------------------------------------------------------------------------------


def test_the_picture_is_what_the_code_draws() -> None:
    [shown] = PICTURE.findall(TEXT)
    assert shown == picture(TEXT), "run: python tests/house.py --write"
