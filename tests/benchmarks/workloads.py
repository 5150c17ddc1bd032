"""The workloads of features and vector tiles, with the statement behind each and what the other servers are asked."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

from django.db import connection
from psycopg2 import sql

from layers.catalogue import LayerEntry
from layers.database import table_of
from layers.filters import Whitelist, column
from layers.items import ItemsQuery, feature_text, items, items_statement
from layers.paging import next_token
from layers.rights import PUBLIC
from layers.tile_grids import WEB_MERCATOR, TileAddress
from layers.tiles import far_statement, first_cap, is_prepared, tile_params, tile_statement
from tests.benchmarks.measure import Case

ITEMS, TILES = "/ogc/collections/edifici/items", "/ogc/collections/edifici/tiles/WebMercatorQuad"
THEIRS = "/collections/geodata.edifici/items", "/collections/edifici/items"
THEIR_TILES = "/collections/geodata.edifici/tiles/WebMercatorQuad"
BOX = "10.0200,45.1300,10.0270,45.1345"
FAR = 100_000


def rendered(statement: sql.Composable, params: dict[str, object]) -> str:
    """The statement as the server gets it, values in place."""
    with connection.cursor() as cursor:
        text: bytes = cursor.cursor.mogrify(statement, params)
    return text.decode()


def cases(layer: LayerEntry) -> list[Case]:
    """All of them."""
    return [*_features(layer), *_pages(layer), *_tiles(layer), *_rest()]


def _asked(layer: LayerEntry, name: str, question: str, query: ItemsQuery, least_s: int = 0, **targets: float) -> Case:
    lang = "&filter-lang=cql2-text" if query.filter else ""
    statement = rendered(*items_statement(layer, PUBLIC, query))
    tipg, pygeoapi = (
        f"{root}?{question}&f={form}{lang}" for root, form in zip(THEIRS, ("geojson", "json"), strict=True)
    )
    return Case(name, f"{ITEMS}?{question}", statement, tipg, pygeoapi, targets=targets, least_s=least_s)


def _features(layer: LayerEntry) -> Iterator[Case]:
    yield _asked(layer, "items limit 10", "limit=10", ItemsQuery(limit=10), pgbench=0.3, tipg=10, p99=15)
    yield _asked(layer, "items limit 1000", "limit=1000", ItemsQuery(limit=1000), pgbench=0.6, tipg=4)
    query = ItemsQuery(limit=500, bbox=BOX)
    yield _asked(layer, "bbox, about 500 features", f"limit=500&bbox={BOX}", query, pgbench=0.7, tipg=5)
    west, south, east, north = map(float, BOX.split(","))
    boxes = [
        ",".join(f"{number:.5f}" for number in (west + dx, south + dy, east + dx, north + dy))
        for dx, dy in itertools.product([n * 0.0011 for n in range(-30, 31)], [n * 0.0013 for n in range(-10, 21)])
    ]
    yield _many("the same, another box each time", [f"limit=500&bbox={box}" for box in boxes])
    where = f"{ITEMS}/777"
    yield Case("one item", where, _one(layer), f"{THEIRS[0]}/777", f"{THEIRS[1]}/777", targets={"tipg": 2.5})
    cql = "a1%3D3%20AND%20a8%3D%27via%2077%27"
    query = ItemsQuery(limit=100, filter="a1=3 AND a8='via 77'")
    yield _asked(layer, "CQL2, at most 100 hits", f"limit=100&filter={cql}", query, pgbench=0.4, tipg=4)
    others = [f"limit=100&filter=a1%3D{n % 7}%20AND%20a8%3D%27via%20{n}%27" for n in range(900)]
    yield _many("the same, another filter each time", others)


def _many(name: str, questions: list[str]) -> Case:
    """Questions that nothing has met before."""
    ours = tuple(f"{ITEMS}?{question}" for question in questions)
    lang = "&filter-lang=cql2-text" if "filter=" in questions[0] else ""
    theirs = tuple(f"{THEIRS[0]}?{question}&f=geojson{lang}" for question in questions)
    return Case(name, ours[0], tipg=theirs[0], paths=ours, tipg_paths=theirs)


def _pages(layer: LayerEntry) -> Iterator[Case]:
    far = ItemsQuery(limit=10, offset=FAR)
    yield _asked(layer, f"offset {FAR}", f"limit=10&offset={FAR}", far, 5, tipg=30)
    last = items(layer, PUBLIC, far).next_after or ""
    statement = rendered(*items_statement(layer, PUBLIC, ItemsQuery(limit=10, after=last)))
    # As a client that follows the links: every page is another one.
    tokens = [next_token(FAR + n, [str(FAR + n)]) for n in range(0, 20_000, 10)]
    paths = tuple(f"{ITEMS}?limit=10&after={token}" for token in tokens)
    yield Case(
        f"next after {FAR}", f"{ITEMS}?limit=10&after={last}", statement, paths=paths, beside=f"{ITEMS}?limit=10",
        targets={"beside": 1.5},
    )  # fmt: skip


def _one(layer: LayerEntry) -> str:
    fields = tuple(Whitelist.of(layer, PUBLIC).fields)
    form = sql.SQL("SELECT {} FROM {} AS f WHERE {} = 777")
    feature = feature_text(layer, fields, ItemsQuery().crs, skip_geometry=False)
    return rendered(form.format(feature, table_of(layer), column("fid")), {})


def _tiles(layer: LayerEntry) -> Iterator[Case]:
    near, far = (14, 15, 16, 17), (12, 13)
    yield _uncached(layer, "tiles z14-17, uncached, 12 attributes", near, 12, tipg=1.1)
    yield _uncached(layer, "tiles z14-17, uncached, what a style needs", near, 2, tipg=1.6)
    yield _uncached(layer, "tiles z12-13, uncached, 12 attributes", far, 12)
    yield _uncached(layer, "tiles z12-13, uncached, what a style needs", far, 2, tipg=10, bytes=500)
    address = _middle(layer, 15)
    where = f"{address.z}/{address.x}/{address.y}"
    yield Case(
        "tile z15, cached", _path(address), _tile(layer, address), f"{THEIR_TILES}/{where}", targets={"per_s": 4000}
    )


def _uncached(layer: LayerEntry, name: str, zooms: tuple[int, ...], fields: int, **targets: float) -> Case:
    """Tiles over the whole layer, all zooms in turn, each with another choice of attributes: no cache has met it."""
    names = list(Whitelist.of(layer, PUBLIC).fields)
    chosen = list(itertools.islice(itertools.permutations(names, fields), 132))
    is_far = zooms[0] < 14
    columns = []
    for z in zooms:
        places = covering(layer, z)
        turns = range(400 if is_far else 1500)
        columns.append([(places[at % len(places)], chosen[at // len(places) % len(chosen)]) for at in turns])
    mixed = [one for together in zip(*columns, strict=True) for one in together]
    ours = tuple(_path(place, ",".join(some)) for place, some in mixed)
    theirs = tuple(f"{THEIR_TILES}/{place.z}/{place.x}/{place.y}" for place, _ in mixed)
    middles = [_middle(layer, z) for z in zooms]
    # One of each zoom, as many of each as wrk asks for.
    statement = ";\n".join(_tile(layer, where, tuple(names[:fields])) for where in middles)
    return Case(
        name, _path(middles[-1]), statement, theirs[0], paths=ours, tipg_paths=theirs, targets=targets,
        statements=len(zooms), least_s=8 if is_far else 0,
    )  # fmt: skip


def covering(layer: LayerEntry, z: int) -> list[TileAddress]:
    """The tiles of a zoom that the layer's box meets, from the middle outwards."""
    west, south, east, north = layer.bbox or (0, 0, 0, 0)
    first, last = _at(z, west, north), _at(z, east, south)
    middle = _middle(layer, z)
    found = [TileAddress(z, y, x) for y in range(first.y, last.y + 1) for x in range(first.x, last.x + 1)]
    return sorted(found, key=lambda place: max(abs(place.x - middle.x), abs(place.y - middle.y)))


def _middle(layer: LayerEntry, z: int) -> TileAddress:
    west, south, east, north = layer.bbox or (0, 0, 0, 0)
    return _at(z, (west + east) / 2, (south + north) / 2)


def _at(z: int, longitude: float, latitude: float) -> TileAddress:
    side = WEB_MERCATOR.side(z)
    x = math.radians(longitude) * 6378137
    y = math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2)) * 6378137
    return TileAddress(z, int((WEB_MERCATOR.top - y) // side), int((x - WEB_MERCATOR.left) // side))


def _tile(layer: LayerEntry, address: TileAddress, fields: tuple[str, ...] = ()) -> str:
    cap = first_cap(layer, fields, address)
    if is_prepared(layer, address, WEB_MERCATOR):
        return rendered(*far_statement(layer, fields, address, cap))
    return rendered(tile_statement(layer, fields, address), tile_params(layer, address, cap))


def _path(address: TileAddress, fields: str = "") -> str:
    return f"{TILES}/{address.z}/{address.y}/{address.x}?f=mvt{f'&properties={fields}' if fields else ''}"


def _rest() -> Iterator[Case]:
    yield Case("streets, items limit 100", "/ogc/collections/strade/items?limit=100")
    yield Case("landing page", "/ogc/?f=json")
    yield Case("collections", "/ogc/collections?f=json")


def section_of(case: Case) -> str:
    """Which part of the bench a workload belongs to."""
    return "tiles" if "/tiles/" in case.path else "features"
