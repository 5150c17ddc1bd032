"""Another office's table attached as a foreign table, and a view of it that a layer can be.

The password of a PostgreSQL goes into a user mapping, which PostgreSQL shows to nobody but superusers and its owner.
GDAL keeps no password apart from the rest, so databases that are read through it are attached by whoever runs the
database (`server:name`), and what we attach by GDAL ourselves are files in folders that the operator named.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

import psycopg2
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg2 import sql

from geoportal.sql import queries
from layers.importing.columns import Column, readable
from layers.importing.register import table_statistics, write_fields
from layers.models import Layer, geodata_identifier
from layers.sources import bounded, health, secrets
from layers.sources.addresses import check_host, place_of
from layers.sources.errors import SourceChanged, SourceFailed, SourceRefused
from layers.sources.models import Source, SourceState
from layers.sources.remote_table import Attribute, Shape, geometry_of, read_shape

SQL = queries("layers.sources", "foreign")
SCHEMA = "sources"
DRIVERS = ("GPKG", "ESRI Shapefile", "SQLite", "OpenFileGDB", "MapInfo File", "DXF", "CSV", "FlatGeobuf")
"""GDAL's own names of file formats that may be attached."""
_NUMBERING = {"ESRI Shapefile", "MapInfo File", "DXF", "CSV", "FlatGeobuf", "GeoJSON", "ODS", "XLSX"}
_SERVER = re.compile(r"^server:([a-z_][a-z0-9_]{0,62})$")
_DATABASE = re.compile(r"^\[?([A-Za-z0-9.:_-]+?)\]?(?::(\d{1,5}))?/([A-Za-z0-9_.-]{1,63})$")
POSTGRES_PORT = 5432
_ROLE_DENIED = "42501"


@dataclass(frozen=True, slots=True)
class Database:
    """Where a PostgreSQL is."""

    host: str
    port: int
    name: str


def check_address(source: Source) -> None:
    """Raise SourceRefused for an address that this kind of source cannot have, or that the operator has not allowed."""
    given = _SERVER.match(source.address)
    if given:
        if given[1].startswith("source_"):
            # Made for another source, with the password of that one.
            raise SourceRefused(_("«%(name)s» è di un'altra fonte.") % {"name": given[1]})
        return
    if source.kind == Source.Kind.POSTGRES:
        database = database_of(source.address)
        check_host(database.host, database.port, POSTGRES_PORT)
        if not source.user_name:
            raise SourceRefused(_("Un PostgreSQL vuole un utente e una password."))
        return
    _file_of(source)


def database_of(address: str) -> Database:
    """Read host[:port]/database. Raises SourceRefused."""
    match = _DATABASE.match(address)
    if match is None or (match[2] and not 0 < int(match[2]) < 65_536):
        raise SourceRefused(
            _("«%(address)s»: scrivere host:porta/database, oppure server:nome.") % {"address": address[:200]}
        )
    return Database(match[1].lower(), int(match[2] or POSTGRES_PORT), match[3])


def _file_of(source: Source) -> tuple[str, str]:
    """Path and driver of a GDAL file. Raises SourceRefused."""
    path, driver = source.address, str(source.options.get("format", ""))
    if driver not in DRIVERS:
        raise SourceRefused(_("Formato: uno fra %(formats)s.") % {"formats": ", ".join(DRIVERS)})
    folders = [posixpath.normpath(folder) for folder in settings.SOURCE_FOLDERS]
    # GDAL reads many things into a name: what is not plainly a file in a folder is not passed to it.
    is_plain = (
        path.startswith("/") and posixpath.normpath(path) == path and not path.startswith("/vsi") and ":" not in path
    )
    if not is_plain or not any(posixpath.commonpath([folder, path]) == folder for folder in folders):
        raise SourceRefused(
            _("«%(path)s» non è un file in una cartella di GEOPORTAL_SOURCE_FOLDERS.") % {"path": path[:200]}
        )
    return path, driver


def attach(source: Source) -> Layer:
    """Make the foreign table, its view and its layer, or make them again. Raises SourceRefused and SourceFailed."""
    check_address(source)
    try:
        with transaction.atomic():
            _drop(source)
            shape = laid(source, source.timeout_ms)
            table = _view(source, shape)
            layer = _layer(source, shape, table)
    except DatabaseError as error:
        raise SourceFailed(database_reason(error)) from error
    now = timezone.now()
    SourceState.objects.update_or_create(
        source=source,
        defaults={
            "health": SourceState.Health.OK, "since": now, "succeeded_at": now, "tried_at": now, "failures": 0,
            "error": "", "retry_at": None, "columns": shape.signature, "features": layer.feature_count,
        },
    )  # fmt: skip
    return layer


def laid(source: Source, limit_ms: int) -> Shape:
    """Make the foreign table, of which a statement may take so long over there. Raises as `attach` does."""
    return _from_postgres(source, limit_ms) if source.kind == Source.Kind.POSTGRES else _from_gdal(source)


def table_of_source(source: Source) -> sql.Identifier:
    """The foreign table of a source."""
    return sql.Identifier(SCHEMA, _names(source).table)


def detach(source: Source) -> None:
    """Take the foreign table and what stands on it away."""
    with transaction.atomic():
        _drop(source)


def look_at(source: Source) -> str:
    """Whether an attached source is still there and of the same shape; the outcome is noted. Raises SourceFailed."""
    try:
        shape = _looked(source)
        before = SourceState.objects.get(pk=source.pk).columns
        gone = [column for column in before if column not in shape.signature]
        if gone:
            raise SourceChanged(
                _("La tabella ha cambiato campi: mancano %(gone)s. Un curatore può riallacciarla.")
                % {"gone": ", ".join(gone)[:300]}
            )
        bounded.call(source.pk, source.timeout_ms, lambda: _try(source))
    except SourceChanged as error:
        health.changed(source.pk, str(error))
        raise
    except SourceFailed as error:
        health.failed(source.pk, str(error), is_slow=error.is_slow)
        raise
    health.worked(source.pk, is_whole=True)
    with connection.cursor() as cursor:
        # No trigger sees what changes over there.
        cursor.execute("SELECT layers_ask_for_search(%s)", [source.layer_id])
    return _("Risponde.")


def _looked(source: Source) -> Shape:
    if source.kind == Source.Kind.POSTGRES and not _SERVER.match(source.address):
        return _postgres_shape(source)
    return bounded.call(source.pk, source.timeout_ms, lambda: _gdal_again(source))


def _try(source: Source) -> None:
    view = sql.Identifier(*geodata_identifier(_names(source).view))
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(SQL["try_view"]).format(view=view))
    except DatabaseError as error:
        raise SourceFailed(database_reason(error)) from error


@dataclass(frozen=True, slots=True)
class _Names:
    """What stands in the database for one source."""

    server: str
    table: str
    view: str


def _names(source: Source) -> _Names:
    given = _SERVER.match(source.address)
    own = f"source_{source.pk}"
    return _Names(given[1] if given else own, own, source.slug.replace("-", "_"))


def _drop(source: Source) -> None:
    names = _names(source)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(SQL["drop_view"]).format(view=sql.Identifier(*geodata_identifier(names.view))))
        cursor.execute(sql.SQL(SQL["drop_foreign_table"]).format(table=sql.Identifier(SCHEMA, names.table)))
        cursor.execute(sql.SQL(SQL["drop_server"]).format(server=sql.Identifier(f"source_{source.pk}")))


def _postgres_shape(source: Source) -> Shape:
    database = database_of(source.address)
    place = place_of(database.host, database.port, POSTGRES_PORT)
    schema, table = _remote_table(source)
    options = {
        "host": place.host, "hostaddr": place.ip, "port": place.port, "dbname": database.name,
        "user": source.user_name, "password": secrets.opened(source.secret),
    }  # fmt: skip
    return bounded.call(
        source.pk, source.timeout_ms + 3000, lambda: read_shape(options, schema, table, source.timeout_ms)
    )


def _from_postgres(source: Source, limit_ms: int) -> Shape:
    names = _names(source)
    if names.server != f"source_{source.pk}":
        raise SourceRefused(_("Un server già allacciato si legge con il genere GDAL."))
    shape = _postgres_shape(source)
    database = database_of(source.address)
    place = place_of(database.host, database.port, POSTGRES_PORT)
    schema, table = _remote_table(source)
    options = {
        "host": place.host, "hostaddr": place.ip, "port": str(place.port), "dbname": database.name,
        "application_name": "geoportale", "connect_timeout": "3", "tcp_user_timeout": "5000",
        "keepalives_idle": "10", "keepalives_interval": "3", "keepalives_count": "2",
        # Over there the statement ends by itself, whatever becomes of the line.
        "options": f"-c statement_timeout={limit_ms}", "fetch_size": "1000", "updatable": "false",
        # What both sides know may be computed where the data and its indexes are.
        **({"extensions": "postgis"} if shape.has_postgis else {}),
    }  # fmt: skip
    with connection.cursor() as cursor:
        server = sql.Identifier(names.server)
        wrapper = sql.Identifier("postgres_fdw")
        cursor.execute(sql.SQL(SQL["create_server"]).format(server=server, wrapper=wrapper, options=_options(options)))
        cursor.execute(
            sql.SQL(SQL["create_mapping"]).format(
                server=server, user=sql.Literal(source.user_name), password=sql.Literal(secrets.opened(source.secret))
            )
        )
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}").format(sql.Identifier(one.name), sql.SQL(one.sql_type)) for one in shape.attributes
        )
        cursor.execute(
            sql.SQL(SQL["create_foreign_table"]).format(
                table=sql.Identifier(SCHEMA, names.table), columns=columns, server=server,
                options=_options({"schema_name": schema, "table_name": table}),
            )
        )  # fmt: skip
    return shape


def _from_gdal(source: Source) -> Shape:
    names = _names(source)
    with connection.cursor() as cursor:
        if names.server == f"source_{source.pk}":
            path, driver = _file_of(source)
            cursor.execute(
                sql.SQL(SQL["create_server"]).format(
                    server=sql.Identifier(names.server), wrapper=sql.Identifier("ogr_fdw"),
                    options=_options({"datasource": path, "format": driver, "updateable": "false"}),
                )
            )  # fmt: skip
        _import_gdal(cursor, source, names.table)
        cursor.execute(SQL["local_columns"], {"schema": SCHEMA, "table": names.table})
        return Shape(tuple(Attribute.of(row) for row in cursor.fetchall()), False)


def _import_gdal(cursor: object, source: Source, table: str) -> None:
    execute = cursor.execute  # type: ignore[attr-defined]
    scratch = sql.Identifier(f"{SCHEMA}_{source.pk}")
    execute(sql.SQL("CREATE SCHEMA {}").format(scratch))
    execute(
        sql.SQL(SQL["import_layer"]).format(
            layer=sql.Identifier(source.remote_name), server=sql.Identifier(_names(source).server), schema=scratch
        )
    )
    found = sql.Identifier(f"{SCHEMA}_{source.pk}", source.remote_name)
    execute(
        "SELECT to_regclass(%s) IS NULL",
        [f'"{SCHEMA}_{source.pk}"."{source.remote_name.replace(chr(34), chr(34) * 2)}"'],
    )
    if cursor.fetchone()[0]:  # type: ignore[attr-defined]
        raise SourceFailed(_("Non c'è un livello «%(name)s».") % {"name": source.remote_name[:200]})
    execute(sql.SQL("ALTER FOREIGN TABLE {} RENAME TO {}").format(found, sql.Identifier(table)))
    execute(
        sql.SQL("ALTER FOREIGN TABLE {} SET SCHEMA {}").format(
            sql.Identifier(f"{SCHEMA}_{source.pk}", table), sql.Identifier(SCHEMA)
        )
    )
    execute(sql.SQL("DROP SCHEMA {} CASCADE").format(scratch))


def _gdal_again(source: Source) -> Shape:
    """The shape that the source would be attached in today; nothing is kept."""
    table = f"look_{source.pk}"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _import_gdal(cursor, source, table)
            cursor.execute(SQL["local_columns"], {"schema": SCHEMA, "table": table})
            shape = Shape(tuple(Attribute.of(row) for row in cursor.fetchall()), False)
            transaction.set_rollback(True)
    except DatabaseError as error:
        raise SourceFailed(database_reason(error)) from error
    return shape


def numbers_rows(source: Source) -> bool:
    """Whether what GDAL takes for the identifier of a row is its place in the file, which changes with the others."""
    if source.kind != Source.Kind.OGR:
        return False
    driver = str(source.options.get("format", ""))
    if _SERVER.match(source.address):
        with connection.cursor() as cursor:
            cursor.execute(SQL["driver_of"], {"server": _names(source).server})
            driver = str((cursor.fetchone() or ("",))[0])
    return driver in _NUMBERING


def _view(source: Source, shape: Shape) -> str:
    """The view that the layer reads. Returns its name. Raises SourceRefused."""
    names = _names(source)
    key = shape.key(str(source.options.get("id_field", "")))
    columns = [sql.SQL("{} AS fid").format(sql.Identifier(key.name))]
    columns += [sql.SQL("{} AS {}").format(one.expression, sql.Identifier(name)) for name, one in shape.fields.items()]
    geometry = geometry_of(shape, source.options)
    if geometry is not None:
        columns.append(sql.SQL("{} AS geom").format(geometry.expression))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(SQL["create_view"]).format(
                view=sql.Identifier(*geodata_identifier(names.view)),
                columns=sql.SQL(", ").join(columns),
                table=sql.Identifier(SCHEMA, names.table),
            )
        )
    return names.view


def _layer(source: Source, shape: Shape, table: str) -> Layer:
    geometry = geometry_of(shape, source.options)
    layer = source.layer or Layer(
        slug=source.slug, title_it=source.title, theme=source.theme, access=source.access, attribution=source.office
    )
    layer.kind, layer.table_name, layer.id_field, layer.is_live = Layer.Kind.VECTOR, table, "fid", True
    layer.geometry_field = "geom" if geometry else ""
    layer.geometry_type = geometry.type if geometry else ""
    layer.has_z = geometry.has_z if geometry else False
    layer.srid = geometry.srid if geometry else None
    layer.tile_geometry_field, layer.source_file = "", source.office[:255]
    layer.data_updated_at = timezone.now()
    measured = table_statistics(table, layer.srid, layer.geometry_field)
    layer.feature_count = measured.features
    layer.bbox = list(measured.degrees) if measured.degrees else None
    layer.storage_bbox = list(measured.bounds) if measured.bounds else None
    layer.full_clean(exclude=["theme", "bbox", "storage_bbox", "raster_info"])
    layer.save()
    columns = [
        Column(one.name, name, one.sql_type, one.field_type, readable(one.name)[:200])
        for name, one in shape.fields.items()
    ]
    write_fields(layer, columns, is_new=False)
    return layer


def _remote_table(source: Source) -> tuple[str, str]:
    schema, dot, table = source.remote_name.rpartition(".")
    return (schema if dot else "public"), table


def _options(values: dict[str, str]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(value)) for name, value in values.items()
    )


def database_reason(error: DatabaseError | psycopg2.Error) -> str:
    """Why the database could not read from the other server, in one line."""
    cause = error if isinstance(error, psycopg2.Error) else error.__cause__
    code = cause.pgcode if isinstance(cause, psycopg2.Error) else ""
    text = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
    if code == _ROLE_DENIED:
        return _("Il database non permette di allacciare: %(why)s") % {"why": text}
    return text
