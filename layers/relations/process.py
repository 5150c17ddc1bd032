"""The process `related`: what of another layer belongs to chosen features, by a declared relation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from psycopg2 import sql

from layers.errors import BadQuery
from layers.processes.model import Outcome, Run
from layers.processes.selection import ask, choose, collection, refuse_too_many, sized
from layers.relations.related import SQL, Way, parts_of, ways_from


def related(run: Run) -> Outcome:
    """Features of the other layer; the property `_given` lists the chosen features that each belongs to."""
    params: dict[str, Any] = {"cap": run.limits.features}
    chosen = choose(run, "", params)
    way = _way(run, list(ways_from(run.held, run.audience, chosen.layer)))
    found = choose(replace(run, inputs={"layer": way.found.slug}), "", {})
    statement = sql.SQL(SQL["of_features"]).format(
        from_id=chosen.id,
        where=chosen.clause.sql,
        geometry=sql.Identifier(way.found.geometry_field),
        properties=found.properties,
        cap=sql.Literal(run.limits.features),
        **parts_of(way),
    )
    given, made, features = ask(run, statement, params)
    refuse_too_many(run, "layer", given)
    refuse_too_many(run, "relation", made)
    return {"result": sized(run, collection(features))}


def _way(run: Run, ways: list[Way]) -> Way:
    slug = run.inputs["relation"]
    way = next((way for way in ways if way.relation.slug == slug and way.found.geometry_field), None)
    if way is None:
        known = ", ".join(way.relation.slug for way in ways) or "none"
        raise BadQuery(
            "inputs.relation", f"{slug[:80]!r} does not lead from {run.inputs['layer']!r}; there are {known}."
        )
    return way
