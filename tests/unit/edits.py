"""Edits of a right answer: one thing changed at a time, as a learner's slip would."""

from __future__ import annotations

import ast
import copy
import inspect
import random
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

Function = Callable[..., Any]

COMPARISONS = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
SWAPS: dict[type[ast.operator], tuple[type[ast.operator], ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div,),
    ast.Div: (ast.Mult, ast.FloorDiv),
    ast.FloorDiv: (ast.Div,),
}
# What may be done to the value that is returned, or to each of several.
RETURNS = (
    *(f"_each(lambda v: round(v, {digits}), {{}})" for digits in range(7)),
    "_each(int, {})",
    "_each(abs, {})",
    "_each(lambda v: max(0, v), {})",
    "_each(lambda v: max(1, v), {})",
    "_each(lambda v: min(1, v), {})",
    "_each(lambda v: -v, {})",
    "_each(lambda v: v or None, {})",
    "({})[::-1]",
    "({})[1:]",
    "({})[:-1]",
    "not ({})",
)


def _each(change: Function, value: Any) -> Any:
    """The value changed, or each of several; what cannot be changed stays."""
    if isinstance(value, list | tuple):
        return type(value)(_each(change, item) for item in value)
    try:
        return change(value)
    except (TypeError, ValueError, OverflowError):
        return value


def edits(answer: Function) -> Iterator[tuple[str, Function]]:
    """Each edit of an answer by itself: what it reads then, and the function."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    for place in _places(tree):
        changed = _changed(tree, *place)
        if function := _compiled(changed, answer):
            yield ast.unparse(changed), function


def edited_twice(
    answer: Function, pairs: int, draw: random.Random
) -> Iterator[tuple[str, Function]]:
    """So many pairs of edits, drawn at random, one after the other."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(answer)))
    for _ in range(pairs):
        once = _changed(tree, *draw.choice(_places(tree)))
        twice = _changed(once, *draw.choice(_places(once)))
        if function := _compiled(twice, answer):
            yield ast.unparse(twice), function


def _compiled(tree: ast.Module, answer: Function) -> Function | None:
    names = dict(answer.__globals__) | {"_each": _each}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what no learner would keep
            exec(compile(ast.fix_missing_locations(tree), "<edit>", "exec"), names)
    except (SyntaxError, ValueError, TypeError):
        return None
    function: Function = names[answer.__name__]
    return function


def _places(tree: ast.Module) -> list[tuple[int, int]]:
    """What can be changed: the number of a node, and which of its changes."""
    return [
        (number, variant)
        for number, node in enumerate(ast.walk(tree))
        for variant, _ in enumerate(_variants(node, tree))
    ]


def _changed(tree: ast.Module, number: int, variant: int) -> ast.Module:
    """The tree with one thing changed."""
    again = copy.deepcopy(tree)
    list(_variants(list(ast.walk(again))[number], again))[variant]()
    return again


def _variants(node: ast.AST, tree: ast.AST) -> Iterator[Callable[[], None]]:
    """What can be done to a node, each as something to call."""
    for kinds, changes in _CHANGES:
        if isinstance(node, kinds):
            yield from changes(node, tree)


def _set(node: ast.AST, field: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def _compare(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    for place, operator in enumerate(node.ops):
        for other in COMPARISONS:
            if isinstance(operator, COMPARISONS) and not isinstance(operator, other):
                ops = [*node.ops[:place], other(), *node.ops[place + 1 :]]
                yield _set(node, "ops", ops)


def _constant(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    if isinstance(node.value, bool):
        yield _set(node, "value", not node.value)
    elif isinstance(node.value, int | float):
        for value in {node.value + 1, node.value - 1, 0} - {node.value}:
            yield _set(node, "value", value)


def _operator(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    for other in SWAPS.get(type(node.op), ()):
        yield _set(node, "op", other())
    yield lambda: node.__dict__.update(left=node.right, right=node.left)


def _junction(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    yield _set(node, "op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if len(node.values) > 1:
        for place in range(len(node.values)):
            yield _set(node, "values", [*node.values[:place], *node.values[place + 1 :]] * 2)


def _condition(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    for value in (True, False):
        yield _set(node, "test", ast.Constant(value))


def _name(node: Any, tree: Any) -> Iterator[Callable[[], None]]:
    arguments = [argument.arg for argument in tree.body[0].args.args]
    if isinstance(node.ctx, ast.Load) and node.id in arguments:
        for other in arguments:
            if other != node.id:
                yield _set(node, "id", other)
    if isinstance(node.ctx, ast.Load) and node.id in ("min", "max"):
        yield _set(node, "id", "max" if node.id == "min" else "min")


def _body(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    if len(node.body) > 1:
        for place in range(len(node.body)):
            yield _set(node, "body", [*node.body[:place], *node.body[place + 1 :]])


def _return(node: Any, tree: ast.AST) -> Iterator[Callable[[], None]]:
    if node.value is not None:
        text = ast.unparse(node.value)
        for pattern in RETURNS:
            yield _set(node, "value", ast.parse(pattern.format(text), mode="eval").body)


_CHANGES: tuple[tuple[Any, Callable[[Any, Any], Iterator[Callable[[], None]]]], ...] = (
    (ast.Compare, _compare),
    (ast.Constant, _constant),
    (ast.BinOp, _operator),
    (ast.BoolOp, _junction),
    ((ast.If, ast.IfExp, ast.While), _condition),
    (ast.Name, _name),
    ((ast.FunctionDef, ast.For, ast.While, ast.If), _body),
    (ast.Return, _return),
)
