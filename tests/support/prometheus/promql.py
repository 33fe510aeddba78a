"""What a PromQL expression contains: its metrics, their label matchers, and the functions around them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, VectorSelector

VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Selector:
    """A metric with the values its labels are matched by; `function` is the function directly around it."""

    metric: str
    matchers: dict[str, str]
    function: str | None


def interpolate(expr: str, window: str, **variables: str) -> str:
    """Return the expression as Grafana sends it: each variable replaced by its value, or by `.*` without one."""
    values = {"__rate_interval": window, **variables}
    return VARIABLE.sub(lambda variable: values.get(variable[1], ".*"), expr)


def parse(expr: str) -> Expr:
    """Return the syntax tree of an expression that may contain Grafana's variables.

    Raises:
        ValueError: it is not PromQL.
    """
    tree: Expr = promql_parser.parse(expr.replace("$__rate_interval", "5m"))
    return tree


def selectors(expr: str) -> list[Selector]:
    """Return every metric of the expression, in order."""
    return list(_selectors(parse(expr), None))


def grouped_by(expr: str) -> set[str]:
    """Return the labels that the aggregations and vector matchings of the expression name."""
    return {label for node in _nodes(parse(expr)) for label in _named(node)}


def result_labels(expr: str) -> set[str]:
    """Return the labels left by the outermost aggregation, which are those a legend can show."""
    for node in _nodes(parse(expr)):
        if isinstance(node, AggregateExpr):
            return set(node.modifier.labels) if node.modifier else set()
        if isinstance(node, VectorSelector):
            break
    return {"job", "instance"}


def divisors(expr: str) -> list[str]:
    """Return every divisor in the expression."""
    return [
        str(node.rhs) for node in _nodes(parse(expr)) if isinstance(node, BinaryExpr) and str(node.op) == "/"
    ]


def _selectors(node: Expr, function: str | None) -> Iterator[Selector]:
    match node:
        case VectorSelector():
            matchers = {matcher.name: matcher.value for matcher in node.matchers.matchers}
            yield Selector(node.name or "", matchers, function)
        case Call():
            for argument in node.args:
                yield from _selectors(argument, node.func.name)
        case _:
            for child in _children(node):
                yield from _selectors(child, function)


def _nodes(node: Expr) -> Iterator[Expr]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _children(node: Expr) -> list[Expr]:
    match node:
        case Call():
            return list(node.args)
        case BinaryExpr():
            return [node.lhs, node.rhs]
        case MatrixSelector():
            return [node.vector_selector]
        case _:
            inner = getattr(node, "expr", None)
            return [] if inner is None else [inner]


def _named(node: Expr) -> list[str]:
    match node:
        case AggregateExpr() if node.modifier:
            return list(node.modifier.labels)
        case BinaryExpr() if node.modifier and node.modifier.matching:
            return list(node.modifier.matching.labels)
        case _:
            return []
