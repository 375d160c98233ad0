"""ComfyMathExpression: arithmetic that people type, computed without running any code of theirs."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from bootstrap.draft.nodes.registry import Context, node

LONGEST = 2000
MOST_BITS = 100_000
"""Whole numbers with more binary digits are refused; nobody means them, and they cost without end."""

Number = int | float


@node("ComfyMathExpression")
def evaluate(context: Context, expression: str, **values: Any) -> tuple[float, int, bool]:
    """The value of `expression` over the inputs `values.a`, `values.b`, …, called a, b, … in it.

    Raises ValueError for what is no arithmetic, has no finite result or can't be computed.
    """
    names = {name.removeprefix("values."): value for name, value in values.items()}
    try:
        if len(expression) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        result = _value(ast.parse(expression.strip(), mode="eval").body, {**names, "values": list(names.values())})
        if not isinstance(result, int | float) or not math.isfinite(float(result)):
            raise ValueError("it gives no finite number")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"Math Expression {expression[:80]!r} can't be computed: {error}.") from error
    return float(result), int(result), bool(result)


def _value(tree: ast.expr, names: Mapping[str, Any]) -> Any:
    reader = READERS.get(type(tree))
    if reader is None:
        raise ValueError(f"{type(tree).__name__} is not allowed")
    return _checked(reader(tree, names))


def _checked(value: Any) -> Any:
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise ValueError("a number gets too large")
    return value


def _constant(tree: Any, names: Mapping[str, Any]) -> Any:
    if not isinstance(tree.value, int | float):
        raise ValueError(f"{tree.value!r} is no number")
    return tree.value


def _name(tree: Any, names: Mapping[str, Any]) -> Any:
    if tree.id not in names:
        raise ValueError(f"nothing is called {tree.id!r}")
    return names[tree.id]


def _unary(tree: Any, names: Mapping[str, Any]) -> Any:
    return _operator(tree.op)(_value(tree.operand, names))


def _binary(tree: Any, names: Mapping[str, Any]) -> Any:
    return _operator(tree.op)(_value(tree.left, names), _value(tree.right, names))


def _comparison(tree: Any, names: Mapping[str, Any]) -> bool:
    sides = [_value(side, names) for side in (tree.left, *tree.comparators)]
    return all(_operator(op)(sides[at], sides[at + 1]) for at, op in enumerate(tree.ops))


def _logic(tree: Any, names: Mapping[str, Any]) -> Any:
    ends_at = isinstance(tree.op, ast.Or)
    value: Any = None
    for part in tree.values:
        value = _value(part, names)
        if bool(value) is ends_at:
            break
    return value


def _choice(tree: Any, names: Mapping[str, Any]) -> Any:
    return _value(tree.body if _value(tree.test, names) else tree.orelse, names)


def _call(tree: Any, names: Mapping[str, Any]) -> Any:
    if not isinstance(tree.func, ast.Name) or tree.func.id not in FUNCTIONS or tree.keywords:
        raise ValueError(f"only {', '.join(sorted(FUNCTIONS))} can be called")
    return FUNCTIONS[tree.func.id](*(_value(argument, names) for argument in tree.args))


def _item(tree: Any, names: Mapping[str, Any]) -> Any:
    return _value(tree.value, names)[_value(tree.slice, names)]


def _operator(op: ast.AST) -> Callable[..., Any]:
    found = OPERATORS.get(type(op))
    if found is None:
        raise ValueError(f"{type(op).__name__} is not allowed")
    return found


def _times(one: Number, other: Number) -> Number:
    if not isinstance(one, int | float) or not isinstance(other, int | float):
        raise ValueError("only numbers can be multiplied")
    return one * other


def _power(base: Number, exponent: Number) -> Any:
    if isinstance(base, int) and isinstance(exponent, int) and base.bit_length() * abs(exponent) > MOST_BITS:
        raise ValueError("a number gets too large")
    return base**exponent


def _sum(*values: Any) -> Any:
    return sum(values[0] if len(values) == 1 and isinstance(values[0], list) else values)


READERS: dict[type, Callable[[Any, Mapping[str, Any]], Any]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.Compare: _comparison,
    ast.BoolOp: _logic,
    ast.IfExp: _choice,
    ast.Call: _call,
    ast.Subscript: _item,
}

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: _times,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sum": _sum,
    "min": min,
    "max": max,
    "abs": abs,
    "round": round,
    "pow": _power,
    "sqrt": math.sqrt,
    "ceil": math.ceil,
    "floor": math.floor,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "int": int,
    "float": float,
}
