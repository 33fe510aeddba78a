"""What stands in a PromQL expression: which metrics, chosen by which labels, under which functions."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser
from promql_parser import AggregateExpr, BinaryExpr, Call, Expr, MatrixSelector, VectorSelector

VARIABLE = re.compile(r"\$\{?(\w+)\}?")


@dataclass(frozen=True)
class Selector:
    """A metric and how it is chosen: by the values of its labels; `within` is the function that takes it."""

    metric: str
    chosen: dict[str, str]
    within: str | None


def filled(expr: str, window: str, **chosen: str) -> str:
    """Return the expression as Grafana would send it: its variables replaced, by `.*` where nothing is chosen."""
    values = {"__rate_interval": window, **chosen}
    return VARIABLE.sub(lambda variable: values.get(variable[1], ".*"), expr)


def parsed(expr: str) -> Expr:
    """Return the syntax tree of an expression that may have Grafana's variables in it.

    Raises:
        ValueError: it is no PromQL.
    """
    tree: Expr = promql_parser.parse(expr.replace("$__rate_interval", "5m"))
    return tree


def selectors(expr: str) -> list[Selector]:
    """Return every metric of the expression, in its order."""
    return list(_selectors(parsed(expr), None))


def grouped_by(expr: str) -> set[str]:
    """Return the labels that aggregations and matchings of the expression name."""
    return {label for node in _nodes(parsed(expr)) for label in _named(node)}


def result_labels(expr: str) -> set[str]:
    """Return the labels that the outermost aggregation leaves, which is what a legend can show."""
    for node in _nodes(parsed(expr)):
        if isinstance(node, AggregateExpr):
            return set(node.modifier.labels) if node.modifier else set()
        if isinstance(node, VectorSelector):
            break
    return {"job", "instance"}


def divides(expr: str) -> list[str]:
    """Return what the expression divides by."""
    return [
        str(node.rhs) for node in _nodes(parsed(expr)) if isinstance(node, BinaryExpr) and str(node.op) == "/"
    ]


def _selectors(node: Expr, within: str | None) -> Iterator[Selector]:
    match node:
        case VectorSelector():
            chosen = {matcher.name: matcher.value for matcher in node.matchers.matchers}
            yield Selector(node.name or "", chosen, within)
        case Call():
            for argument in node.args:
                yield from _selectors(argument, node.func.name)
        case _:
            for child in _children(node):
                yield from _selectors(child, within)


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
