"""New data into an existing table: appended, or synchronised by key or by position, feature by feature.

The file has been loaded into a table of its own before; here it is compared with the layer's, and what differs is
written. Everything happens in the caller's transaction, which may be rolled back to have seen it only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.sql import queries
from layers.importing.errors import ImportRefused
from layers.importing.options import ImportOptions, Mode
from layers.models import Layer, geodata_identifier
from layers.versions.past import columns_at

SQL = queries("layers.importing", "updating")
SAMPLES = 10
SAME_PLACE = 0.001
"""Metres (of degrees: a hundred-thousandth of it) below which a vertex has not moved: noise of transformations."""


@dataclass(slots=True)
class Changes:
    """What an update does, in numbers and examples."""

    mode: str
    added: int = 0
    changed: int = 0
    moved: int = 0
    """Of those changed."""
    removed: int = 0
    unchanged: int = 0
    samples: dict[str, list[Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        names = ("mode", "added", "changed", "moved", "removed", "unchanged", "samples", "notes")
        return {name: getattr(self, name) for name in names}


class Update:
    """One update of one layer from one loaded table."""

    def __init__(self, layer: Layer, staging: str, options: ImportOptions) -> None:
        self._layer, self._options = layer, options
        self._table = sql.Identifier(*geodata_identifier(layer.table_name))
        self._staging = sql.Identifier(*geodata_identifier(staging))
        self._geographic = layer.srid == 4326
        here, there = geodata_identifier(layer.table_name), geodata_identifier(staging)
        own = {layer.id_field, layer.geometry_field, layer.tile_geometry_field}
        self._types = {name: kind for name, kind in columns_at(*here) if name not in own}
        self._has_geometry = "geom" in dict(columns_at(*there))
        brought = [name for name, _kind in columns_at(*there) if name not in ("fid", "geom", "geom_3857")]
        self._shared = [name for name in brought if name in self._types]
        self._compared = [name for name in self._shared if name not in options.ignore]
        self._extra = [name for name in brought if name not in self._types]
        self.changes = Changes(options.mode.value)

    def apply(self) -> Changes:
        """Compare and write. Raises ImportRefused."""
        self._check()
        with connection.cursor() as cursor:
            self._stage(cursor)
            if self._options.mode is Mode.SYNCHRONISE:
                self._pair_by_key(cursor) if self._options.key else self._pair_by_position(cursor)
            self._find(cursor)
            self._write(cursor)
            cursor.execute(SQL["drop_temporary"])
        self._note_columns()
        return self.changes

    def _check(self) -> None:
        options = self._options
        named = {_("chiave"): options.key, _("attributi uguali"): options.match}
        for what, names in named.items():
            unknown = [name for name in names if name not in self._shared]
            if unknown:
                raise ImportRefused(
                    _("%(what)s: %(names)s non è una colonna comune a file e livello (ci sono: %(known)s).")
                    % {"what": what, "names": ", ".join(unknown)[:200], "known": ", ".join(self._shared)[:300] or "-"}
                )
        unknown = [name for name in options.ignore if name not in self._types]
        if unknown:
            raise ImportRefused(
                _("Il livello non ha la colonna %(names)s da ignorare.") % {"names": ", ".join(unknown)[:200]}
            )
        if options.mode is Mode.SYNCHRONISE and not options.key:
            if options.tolerance is None or not 0 < options.tolerance <= 1000:
                raise ImportRefused(
                    _("Per sincronizzare indicare la chiave, o la tolleranza in metri (fino a 1000) della posizione.")
                )
            if not self._layer.geometry_field:
                raise ImportRefused(_("Il livello non ha geometria: si sincronizza solo con una chiave."))

    def _stage(self, cursor: Any) -> None:
        columns = [
            sql.SQL(", s.{name}::{type} AS {name}").format(name=sql.Identifier(name), type=sql.SQL(self._types[name]))
            for name in self._shared
        ]
        cursor.execute(SQL["drop_temporary"])
        cursor.execute(
            sql.SQL(SQL["stage"]).format(
                geometry=self._fitted(), columns=sql.SQL("").join(columns), staging=self._staging
            )
        )
        cursor.execute(sql.SQL("DROP TABLE {}").format(self._staging))
        for step in ("index_stage", "analyze_stage"):
            cursor.execute(SQL[step])
        schema, table = geodata_identifier(self._layer.table_name)
        cursor.execute(SQL["id_type"], {"schema": schema, "table": table, "column": self._layer.id_field})
        (id_type,) = cursor.fetchone()
        cursor.execute(sql.SQL(SQL["make_pairs"]).format(id_type=sql.SQL(id_type)))

    def _fitted(self) -> sql.Composable:
        """The file's geometry in the layer's system, dimensions and type, as far as that loses nothing."""
        layer = self._layer
        if not layer.geometry_field or not self._has_geometry:
            return sql.SQL("NULL::geometry")
        shape: sql.Composable = sql.SQL("ST_Transform(s.geom, {})").format(sql.Literal(layer.srid or 4326))
        shape = sql.SQL("ST_Force3D({})" if layer.has_z else "ST_Force2D({})").format(shape)
        if layer.geometry_type.startswith("MULTI"):
            return sql.SQL("ST_Multi({})").format(shape)
        if layer.geometry_type in ("POINT", "LINESTRING", "POLYGON"):
            # A multi geometry of one part is that part; others are refused by the table's own type.
            return sql.SQL("CASE WHEN ST_NumGeometries({g}) = 1 THEN ST_GeometryN({g}, 1) ELSE {g} END").format(g=shape)
        return shape

    def _pair_by_key(self, cursor: Any) -> None:
        names = self._options.key
        for table in (self._table, sql.SQL("update_staged")):
            key = sql.SQL(", ").join([sql.Identifier("f", name) for name in names])
            cursor.execute(
                sql.SQL(SQL["bad_keys"]).format(
                    key=key,
                    key_text=sql.SQL("concat_ws(' / ', {})").format(key),
                    table=table,
                    missing=sql.SQL(" OR ").join([sql.SQL("{} IS NULL").format(sql.Identifier("f", n)) for n in names]),
                )
            )
            if bad := cursor.fetchall():
                where = _("del livello") if table is self._table else _("del file")
                raise ImportRefused(
                    _("La chiave %(key)s non distingue gli elementi %(where)s: %(bad)s.")
                    % {
                        "key": ", ".join(names),
                        "where": where,
                        "bad": "; ".join(f"«{value}» × {count}" for value, count in bad)[:300],
                    }
                )
        cursor.execute(
            sql.SQL(SQL["pair_by_key"]).format(id=self._id, table=self._table, equal=self._equal(names, "="))
        )

    def _pair_by_position(self, cursor: Any) -> None:
        is_point = self._layer.geometry_type == "POINT"
        old, new = sql.Identifier("f", self._layer.geometry_field), sql.SQL("s.geom")
        if self._geographic:
            # In degrees a box first, wide enough up to 68° north, then metres on the ellipsoid.
            near = sql.SQL("{o} && ST_Expand({n}, %(tolerance)s / 40000.0)").format(o=old, n=new)
            distance = sql.SQL("ST_Distance({o}::geography, {n}::geography)").format(o=old, n=new)
        else:
            near = sql.SQL("ST_DWithin({o}, {n}, %(tolerance)s)").format(o=old, n=new)
            form = "ST_Distance({o}, {n})" if is_point else "ST_HausdorffDistance({o}, {n})"
            distance = sql.SQL(form).format(o=old, n=new)
        cursor.execute(
            sql.SQL(SQL["candidates"]).format(
                id=self._id,
                table=self._table,
                near=near,
                distance=distance,
                differs=self._differs(),
                equal=self._equal(self._options.match, "IS NOT DISTINCT FROM"),
            ),
            {"tolerance": self._options.tolerance},
        )
        while True:
            cursor.execute(SQL["pair_nearest"])
            if not cursor.rowcount:
                return
            cursor.execute(SQL["drop_taken"])
            cursor.execute(SQL["drop_taken_new"])

    def _find(self, cursor: Any) -> None:
        cursor.execute(
            sql.SQL(SQL["find_changed"]).format(
                table=self._table, id=self._id, differs=self._differs(), moved=self._moved()
            )
        )
        removes = {"removes": self._options.mode is Mode.SYNCHRONISE}
        cursor.execute(sql.SQL(SQL["count"]).format(table=self._table), removes)
        found, changes = cursor.fetchone(), self.changes
        changes.added, changes.changed, changes.moved, changes.removed, changes.unchanged = map(int, found)
        new, old = self._values("s"), self._values("f")
        parts = {"table": self._table, "id": self._id, "new": new, "old_values": old, "new_values": new}
        parts["old"] = sql.SQL(", {}").format(old) if self._shared else sql.SQL("")
        kinds = ["added", "changed", "removed"] if removes["removes"] else ["added"]
        for kind in kinds:
            cursor.execute(sql.SQL(SQL[f"sample_{kind}"]).format(**parts), {"limit": SAMPLES})
            changes.samples[kind] = [row[0] for row in cursor.fetchall()]

    def _write(self, cursor: Any) -> None:
        geometry = self._layer.geometry_field
        names = [*([geometry] if geometry else []), *self._shared]
        sources = [*([sql.SQL("s.geom")] if geometry else []), *(sql.Identifier("s", name) for name in self._shared)]
        if self.changes.removed:
            cursor.execute(sql.SQL(SQL["delete"]).format(table=self._table, id=self._id))
        if self.changes.changed:
            pairs = [
                sql.SQL("{} = {}").format(sql.Identifier(n), source) for n, source in zip(names, sources, strict=True)
            ]
            cursor.execute(
                sql.SQL(SQL["update"]).format(table=self._table, id=self._id, changes=sql.SQL(", ").join(pairs))
            )
        if self.changes.added:
            cursor.execute(
                sql.SQL(SQL["insert"]).format(
                    table=self._table,
                    columns=sql.SQL(", ").join(map(sql.Identifier, names)),
                    values=sql.SQL(", ").join(sources),
                )
            )

    @property
    def _id(self) -> sql.Identifier:
        return sql.Identifier(self._layer.id_field)

    def _equal(self, names: tuple[str, ...], sign: str) -> sql.Composable:
        tests = [
            sql.SQL("{} {} {}").format(sql.Identifier("f", name), sql.SQL(sign), sql.Identifier("s", name))
            for name in names
        ]
        return sql.SQL(" AND ").join(tests) if tests else sql.SQL("TRUE")

    def _differs(self) -> sql.Composable:
        """Whether a compared attribute of f and s differs."""
        tests = [
            sql.SQL("{} IS DISTINCT FROM {}").format(sql.Identifier("f", name), sql.Identifier("s", name))
            for name in self._compared
        ]
        return sql.SQL("({})").format(sql.SQL(" OR ").join(tests)) if tests else sql.SQL("FALSE")

    def _moved(self) -> sql.Composable:
        """Whether the geometry of f and s differs by more than noise. Equal bytes are the usual case and cost least."""
        if not self._layer.geometry_field:
            return sql.SQL("FALSE")
        old = sql.Identifier("f", self._layer.geometry_field)
        most = sql.Literal(SAME_PLACE / 100_000 if self._geographic else SAME_PLACE)
        return sql.SQL(
            "CASE WHEN {o} IS NULL OR s.geom IS NULL THEN ({o} IS NULL) <> (s.geom IS NULL)"
            " WHEN {o} = s.geom THEN FALSE"
            " WHEN ST_IsEmpty({o}) OR ST_IsEmpty(s.geom) THEN ST_IsEmpty({o}) <> ST_IsEmpty(s.geom)"
            " WHEN ST_NPoints({o}) <> ST_NPoints(s.geom) THEN TRUE ELSE ST_HausdorffDistance({o}, s.geom) > {m} END"
        ).format(o=old, m=most)

    def _values(self, alias: str) -> sql.Composable:
        found = [sql.Identifier(alias, name) for name in self._shared]
        return sql.SQL(", ").join(found)

    def _note_columns(self) -> None:
        notes = self.changes.notes
        if self._extra:
            notes.append(
                _("colonne del file che il livello non ha, non importate: %(names)s (per averle, sostituire i dati)")
                % {"names": ", ".join(self._extra)}
            )
        if missing := [name for name in self._types if name not in self._shared]:
            notes.append(_("colonne che il file non ha, lasciate come sono: %(names)s") % {"names": ", ".join(missing)})
