"""A file at an address: asked for only if it is new, kept under a name of our own with its kind of ending."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from layers.sources.fetch import Answer, fetch

if TYPE_CHECKING:
    from layers.sources.harvest import Asked

_ENDING = re.compile(r"\.[a-z0-9]{1,10}$")
_BY_MEDIA = {
    "text/csv": ".csv",
    "application/geo+json": ".geojson",
    "application/json": ".geojson",
    "application/vnd.geo+json": ".geojson",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "application/geopackage+sqlite3": ".gpkg",
    "application/gml+xml": ".gml",
    "application/vnd.google-earth.kml+xml": ".kml",
    "application/vnd.google-earth.kmz": ".kmz",
    "application/flatgeobuf": ".fgb",
    "application/vnd.apache.parquet": ".parquet",
    "image/tiff": ".tif",
}


def fetch_file(asked: Asked) -> tuple[Path | None, str, str]:
    """The file (None: unchanged since the last time), its ETag and its Last-Modified. Raises SourceFailed."""
    headers = {}
    if asked.source.layer_id is not None and asked.state.digest:
        if asked.state.etag:
            headers["If-None-Match"] = asked.state.etag
        elif asked.state.last_modified:
            headers["If-Modified-Since"] = asked.state.last_modified
    path = asked.folder / "harvest.part"
    with path.open("wb") as file:
        answer = fetch(asked.source.address, asked.budget, file.write, credentials=asked.credentials, headers=headers)
    if answer.status == 304:
        return None, asked.state.etag, asked.state.last_modified
    named = path.rename(asked.folder / f"harvest{_ending(answer, str(asked.source.options.get('format', '')))}")
    return named, answer.headers.get("etag", ""), answer.headers.get("last-modified", "")


def _ending(answer: Answer, said: str) -> str:
    """How the file's name ends: as the steward says, as the answer's or the address's name does, or by its type."""
    if said:
        return f".{said.lower().strip('.')}" if _ENDING.match(f".{said.lower().strip('.')}") else ""
    disposition = re.search(r'filename="?([^";]+)', answer.headers.get("content-disposition", ""))
    for name in (disposition[1] if disposition else "", unquote(urlsplit(answer.url).path)):
        ending = _ENDING.search(name.lower())
        if ending and ending[0] not in {".php", ".aspx", ".asp", ".jsp", ".do", ".ashx", ".html"}:
            return ending[0]
    return _BY_MEDIA.get(answer.media, "")
