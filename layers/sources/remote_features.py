"""A collection of an OGC API - Features server, page after page, as one GeoJSON file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from django.utils.translation import gettext as _

from layers.importing.crs import Bounds
from layers.sources.errors import SourceFailed
from layers.sources.fetch import fetched

if TYPE_CHECKING:
    from layers.sources.harvest import Asked
    from layers.sources.models import Source

PAGE = 1000
_MEDIA = "application/geo+json, application/json;q=0.9"


def fetch_collection(asked: Asked) -> Path:
    """Every feature of the collection, in longitude and latitude (Features Part 1, 7.15). Raises SourceFailed."""
    base, _mark, query = asked.source.address.partition("?")
    base = base.rstrip("/")
    if asked.source.remote_name and not base.endswith("/items"):
        root = base if base.endswith("/collections") else f"{base}/collections"
        base = f"{root}/{quote(asked.source.remote_name, safe='')}/items"
    url = f"{base}?{query + '&' if query else ''}{urlencode({'limit': PAGE, 'f': 'json'})}"
    first = urlsplit(url)[:2]
    path = asked.folder / "harvest.geojson"
    seen: set[str] = set()
    with path.open("w", encoding="utf-8") as file:
        file.write('{"type":"FeatureCollection","features":[')
        mark = ""
        while url:
            if url in seen:
                raise SourceFailed(_("Le sue pagine girano in tondo: %(url)s torna.") % {"url": url[:200]})
            seen.add(url)
            page = page_of(asked, url)
            for feature in page["features"]:
                with_identifier(feature, asked.source)
                file.write(mark + json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
                mark = ",\n"
            url = _next(page, url)
            if url and urlsplit(url)[:2] != first:
                raise SourceFailed(_("La pagina seguente è su un altro host: %(url)s.") % {"url": url[:200]})
        file.write("]}\n")
    return path


def declared_extent(asked: Asked) -> Bounds | None:
    """The extent of the collection in longitude and latitude, where its description says it."""
    base = asked.source.address.partition("?")[0].rstrip("/").removesuffix("/items")
    name = asked.source.remote_name
    if name and not base.endswith(f"/{name}"):
        base = f"{base if base.endswith('/collections') else base + '/collections'}/{quote(name, safe='')}"
    try:
        _answer, body = fetched(
            f"{base}?f=json", asked.budget, credentials=asked.credentials, headers={"Accept": "application/json"}
        )
        west, south, *middle, north = json.loads(body)["extent"]["spatial"]["bbox"][0]
        # Six numbers have heights: west, south, lowest, east, north, highest.
        east = middle[-1] if len(middle) == 1 else middle[1]
        north = north if len(middle) == 1 else middle[2]
        return float(west), float(south), float(east), float(north)
    except (SourceFailed, ValueError, TypeError, KeyError, IndexError, RecursionError):
        return None


def with_identifier(feature: Any, source: Source) -> None:
    """Make the feature's own identifier a property, where rows are told apart by `id` and none is called so."""
    wanted = {name.strip() for name in str(source.options.get("id_field", "")).split(",")}
    if "id" in wanted and isinstance(feature, dict) and feature.get("id") is not None:
        properties = feature.get("properties")
        if isinstance(properties, dict):
            properties.setdefault("id", feature["id"])


def page_of(asked: Asked, url: str) -> dict[str, Any]:
    """One GeoJSON page. Raises SourceFailed."""
    answer, body = fetched(url, asked.budget, credentials=asked.credentials, headers={"Accept": _MEDIA})
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceFailed(_("La risposta non è GeoJSON ma %(media)s.") % {"media": answer.media or "?"}) from error
    if not isinstance(page, dict) or not isinstance(page.get("features"), list):
        raise SourceFailed(_("La risposta JSON non ha «features»: l'indirizzo non è quello degli elementi."))
    return page


def _next(page: dict[str, Any], url: str) -> str:
    for link in page.get("links") or []:
        if isinstance(link, dict) and link.get("rel") == "next" and link.get("href"):
            return urljoin(url, str(link["href"]))
    return ""
