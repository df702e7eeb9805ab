"""The code of a lesson's explorer, and of the cells before it that it needs."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def explorer_code(number: int) -> str:
    """The source of a lesson's cell that shows its explorer, after that of the cells it needs."""
    [lesson] = NOTEBOOKS.glob(f"{number:02}_*.ipynb")
    notebook = nbformat.read(lesson, as_version=4)
    cells = [ast.parse(cell.source) for cell in notebook.cells if cell.cell_type == "code"]
    [number] = [number for number, cell in enumerate(cells) if _shows_explorer(cell)]
    needed, wanted = [cells[number]], _names(cells[number], ast.Load)
    for cell in reversed(cells[:number]):
        if _names(cell, ast.Store) & wanted:
            needed.insert(0, cell)
            wanted |= _names(cell, ast.Load)
    return "\n\n".join(map(ast.unparse, needed))


def _shows_explorer(cell: ast.Module) -> bool:
    """Whether a cell makes something and then shows it by its name alone."""
    match cell.body[-2:]:
        case [ast.Assign(targets=[ast.Name(made)], value=ast.Call()), ast.Expr(ast.Name(shown))]:
            return made == shown
    return False


def _names(cell: ast.Module, context: type[ast.expr_context]) -> set[str]:
    """The names that a cell reads (``ast.Load``), or those that it makes (``ast.Store``)."""
    names = {
        node.id
        for node in ast.walk(cell)
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }
    return names - set(dir(builtins)) if context is ast.Load else names | set(_defined(cell.body))


def _defined(body: Iterable[ast.stmt]) -> Iterable[str]:
    for statement in body:
        if isinstance(statement, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name.partition(".")[0] for name in statement.names)
        elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
            yield statement.name
