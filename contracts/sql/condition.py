"""A feed's filter: one boolean expression over the columns of its dataset, in the portable subset, and nothing else.

What is run is written anew from the parsed expression, so that a comment, a quote or a second statement in the contract's
text never reaches an engine.
"""

from __future__ import annotations

import functools

from sqlglot import Dialect, exp
from sqlglot.errors import SqlglotError

from contracts.sql import subset

DIALECT = "duckdb"
_ACROSS_ROWS = (exp.Query, exp.Table, exp.Exists, exp.Any, exp.AggFunc, exp.Window, exp.Star)
"""What looks at more than the row itself."""
_BOOLEAN_NODES = (
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Boolean,
    exp.Column,
    exp.Case,
    exp.Coalesce,
    exp.StartsWith,
    exp.Contains,
)
"""What can be true or false; a column is asked by the engine whether it is."""


class InvalidCondition(ValueError):
    """The text is not one condition; the message names what in it is none."""


@functools.lru_cache(maxsize=1024)
def parse_condition(text: str) -> exp.Expr:
    """The condition in a text, as a tree that nobody changes.

    Raises:
        NoCondition: it is no expression, more than one, asks other rows or tables, or is not portable.
    """
    try:
        found = Dialect.get_or_raise(DIALECT).parse_into(exp.Condition, text)
    except SqlglotError:
        raise InvalidCondition(text) from None
    if len(found) != 1 or found[0] is None:
        raise InvalidCondition(text)
    tree = found[0]
    for node in tree.walk():
        across = isinstance(node, _ACROSS_ROWS) or (isinstance(node, exp.In) and node.args.get("field") is not None)
        if across or (isinstance(node, exp.Column) and node.table):
            raise InvalidCondition(node.sql(DIALECT, comments=False))
    for _, name, _ in subset.find_violations(tree):
        raise InvalidCondition(name)
    if not isinstance(tree.unnest(), _BOOLEAN_NODES):
        raise InvalidCondition(tree.sql(DIALECT, comments=False))
    return tree


def render_condition(text: str) -> str:
    """The condition as it is run, without anything that the contract says beside it.

    Raises:
        NoCondition: as `parse`.
    """
    return parse_condition(text).sql(DIALECT, comments=False)
