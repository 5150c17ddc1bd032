"""From a CQL2 tree to one SQL condition: attributes from the whitelist, values as parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg2 import sql

from layers.cql2 import spatial, temporal
from layers.crs import Crs
from layers.errors import BadQuery
from layers.filters import Clause, Whitelist, column
from layers.models import Field

KINDS = {
    Field.Type.STRING: "text",
    Field.Type.INTEGER: "number",
    Field.Type.NUMBER: "number",
    Field.Type.BOOLEAN: "boolean",
    Field.Type.DATE: "date",
    Field.Type.DATETIME: "datetime",
    Field.Type.JSON: "array",
}
COMPARISONS = {"=": "=", "<>": "<>", "<": "<", ">": ">", "<=": "<=", ">=": ">="}
ARITHMETIC = {"+": "+", "-": "-", "*": "*", "/": "/", "%": "%%", "^": "^", "div": "div"}
_ACCENTS = sql.SQL("regexp_replace(normalize({}, NFD), U&'[\\0300-\\036F]', '', 'g')")


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL and what it stands for: text, number, boolean, date, datetime or array."""

    sql: sql.Composable
    kind: str


class Translator:
    """Translates trees for one layer and audience, adding values to one clause."""

    def __init__(self, clause: Clause, allowed: Whitelist, crs: Crs) -> None:
        self.clause, self.allowed, self.crs = clause, allowed, crs
        self._predicates: dict[str, Callable[[list[Any]], sql.Composable]] = {
            "and": lambda args: self._joined(" AND ", args),
            "or": lambda args: self._joined(" OR ", args),
            "not": self._not,
            "like": self._like,
            "between": self._between,
            "in": self._in,
            "isnull": self._is_null,
        }

    def predicate(self, tree: Any) -> sql.Composable:
        """A condition. Raises BadQuery for anything that is not one."""
        if isinstance(tree, bool):
            return self.clause.value(tree)
        if isinstance(tree, dict) and "property" in tree:
            return self._of_kind(tree, "boolean").sql
        operator, args = self._operation(tree)
        if operator in self._predicates:
            return self._predicates[operator](args)
        if operator in COMPARISONS:
            return self._compare(operator, args)
        if operator in spatial.FUNCTIONS:
            return spatial.condition(self.clause, self.allowed.layer, self.crs, operator, args)
        if operator in temporal.RELATIONS:
            first, second = (temporal.period(self, arg) for arg in self._exactly(2, operator, args))
            return temporal.condition(operator, first, second)
        if operator in _ARRAYS:
            return self._arrays(operator, args)
        raise BadQuery("filter", f"{operator[:40]!r} is not an operator or function of these services.")

    def term(self, tree: Any, like: str = "") -> Term:
        """A value; `like` is the kind it will be compared with, by which plain text becomes a date."""
        if isinstance(tree, dict):
            if "property" in tree:
                return self._property(tree["property"])
            if "date" in tree or "timestamp" in tree:
                moment = temporal.instant(tree)
                return Term(self.clause.value(moment), "datetime" if isinstance(moment, datetime) else "date")
            return self._function(tree)
        if isinstance(tree, bool):
            return Term(self.clause.value(tree), "boolean")
        if isinstance(tree, int | float):
            return Term(self.clause.value(_number(tree)), "number")
        if isinstance(tree, str):
            return self._text(tree, like)
        raise BadQuery("filter", f"{str(tree)[:60]!r} is not a value.")

    def _operation(self, tree: Any) -> tuple[str, list[Any]]:
        if not isinstance(tree, dict) or not isinstance(tree.get("op"), str) or not isinstance(tree.get("args"), list):
            raise BadQuery("filter", f"{str(tree)[:60]!r} is not a condition.")
        return tree["op"].lower(), tree["args"]

    def _exactly(self, count: int, operator: str, args: list[Any]) -> list[Any]:
        if len(args) != count:
            raise BadQuery("filter", f"{operator!r} takes {count} arguments, {len(args)} were given.")
        return args

    def _property(self, name: Any) -> Term:
        if not isinstance(name, str):
            raise BadQuery("filter", "the name of an attribute is text.")
        entry = self.allowed.queryable(name, "filter")
        return Term(column(entry.name), KINDS[Field.Type(entry.type)])

    def _text(self, text: str, like: str) -> Term:
        if "\x00" in text:
            raise BadQuery("filter", "a value holds a NUL character.")
        if like in {"date", "datetime"}:
            moment: date = temporal.read(text)
            return Term(self.clause.value(moment), "datetime" if isinstance(moment, datetime) else "date")
        return Term(sql.SQL("{}::text").format(self.clause.value(text)), "text")

    def _function(self, tree: dict[str, Any]) -> Term:
        operator, args = self._operation(tree)
        if operator == "casei":
            (arg,) = self._exactly(1, operator, args)
            return Term(sql.SQL("lower({})").format(self._of_kind(arg, "text").sql), "text")
        if operator == "accenti":
            (arg,) = self._exactly(1, operator, args)
            return Term(_ACCENTS.format(self._of_kind(arg, "text").sql), "text")
        if operator not in ARITHMETIC:
            raise BadQuery("filter", f"{operator[:40]!r} is not a function of these services.")
        first, second = (self._of_kind(arg, "number").sql for arg in self._exactly(2, operator, args))
        if operator == "div":
            return Term(sql.SQL("div(({})::numeric, ({})::numeric)").format(first, second), "number")
        if operator in {"/", "%"}:
            # Whole numbers too are divided exactly.
            first = sql.SQL("({})::numeric").format(first)
            second = sql.SQL("({})::numeric").format(second)
        return Term(sql.SQL("({} {} {})").format(first, sql.SQL(ARITHMETIC[operator]), second), "number")

    def _of_kind(self, tree: Any, kind: str) -> Term:
        term = self.term(tree)
        if term.kind != kind:
            raise BadQuery("filter", f"{str(tree)[:60]!r} is {term.kind} where {kind} is needed.")
        return term

    def _pair(self, args: list[Any]) -> list[Term]:
        """Values that are compared with each other, of one kind."""
        known = next((self.term(arg).kind for arg in args if isinstance(arg, dict) and "property" in arg), "")
        terms = [self.term(arg, known) for arg in args]
        kinds = {term.kind for term in terms}
        if len(kinds) > 1 and kinds != {"date", "datetime"}:
            raise BadQuery("filter", f"{' and '.join(sorted(kinds))} cannot be compared.")
        return terms

    def _joined(self, word: str, args: list[Any]) -> sql.Composable:
        if not args:
            raise BadQuery("filter", "AND and OR join at least one condition.")
        return sql.SQL("({})").format(sql.SQL(word).join([self.predicate(arg) for arg in args]))

    def _not(self, args: list[Any]) -> sql.Composable:
        (arg,) = self._exactly(1, "not", args)
        return sql.SQL("(NOT {})").format(self.predicate(arg))

    def _compare(self, operator: str, args: list[Any]) -> sql.Composable:
        first, second = self._pair(self._exactly(2, operator, args))
        return sql.SQL("({} {} {})").format(first.sql, sql.SQL(COMPARISONS[operator]), second.sql)

    def _like(self, args: list[Any]) -> sql.Composable:
        first, second = (self._of_kind(arg, "text") for arg in self._exactly(2, "like", args))
        return sql.SQL("({} LIKE {})").format(first.sql, second.sql)

    def _between(self, args: list[Any]) -> sql.Composable:
        value, low, high = self._pair(self._exactly(3, "between", args))
        return sql.SQL("({} BETWEEN {} AND {})").format(value.sql, low.sql, high.sql)

    def _in(self, args: list[Any]) -> sql.Composable:
        value, choices = self._exactly(2, "in", args)
        if not isinstance(choices, list) or not choices:
            raise BadQuery("filter", "IN needs a list of values.")
        first, *rest = self._pair([value, *choices])
        return sql.SQL("({} IN ({}))").format(first.sql, sql.SQL(", ").join([term.sql for term in rest]))

    def _is_null(self, args: list[Any]) -> sql.Composable:
        (arg,) = self._exactly(1, "isNull", args)
        layer = self.allowed.layer
        if isinstance(arg, dict) and arg.get("property") in spatial.names(layer):
            return sql.SQL("({} IS NULL)").format(column(layer.geometry_field))
        return sql.SQL("({} IS NULL)").format(self.term(arg).sql)

    def _arrays(self, operator: str, args: list[Any]) -> sql.Composable:
        first, second = (self._array(arg) for arg in self._exactly(2, operator, args))
        return _ARRAYS[operator].format(a=first, b=second)

    def _array(self, tree: Any) -> sql.Composable:
        if isinstance(tree, list):
            if any(isinstance(one, dict | list) for one in tree):
                raise BadQuery("filter", "the arrays of these services hold plain values.")
            return sql.SQL("jsonb_build_array({})").format(sql.SQL(", ").join([self.term(one).sql for one in tree]))
        return sql.SQL("({})::jsonb").format(self._of_kind(tree, "array").sql)


_ARRAYS: dict[str, sql.SQL] = {
    # Same members, whatever their order: CQL2 arrays are compared as sets.
    "a_equals": sql.SQL("({a} @> {b} AND {a} <@ {b})"),
    "a_contains": sql.SQL("({a} @> {b})"),
    "a_containedby": sql.SQL("({a} <@ {b})"),
    "a_overlaps": sql.SQL(
        "(jsonb_typeof({a}) = 'array' AND EXISTS (SELECT FROM jsonb_array_elements("
        "CASE jsonb_typeof({a}) WHEN 'array' THEN {a} ELSE '[]' END) AS one WHERE {b} @> one))"
    ),
}


def _number(value: int | float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise BadQuery("filter", "a number is not finite.")
    # A whole number written as one keeps the index of a whole-number column in use.
    return int(value) if isinstance(value, float) and value.is_integer() else value
