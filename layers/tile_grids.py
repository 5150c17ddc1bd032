"""Tile matrix sets: squares of 256 pixels, halved from zoom to zoom. Source: OGC 17-083r4, clause 7 and annex D."""

from __future__ import annotations

from dataclasses import dataclass

from layers.errors import TileOutOfRange

MAX_ZOOM = 22
WORLD_M = 40_075_016.685578488
TILE_PX = 256
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class TileAddress:
    """Tile matrix (zoom), row from the top, column from the left."""

    z: int
    y: int
    x: int

    @classmethod
    def parse(cls, z: str, y: str, x: str) -> TileAddress:
        """Read an address of WebMercatorQuad. Raises TileOutOfRange when there is no such tile."""
        return WEB_MERCATOR.parse(z, y, x)

    @property
    def width_m(self) -> float:
        """Side of the tile in EPSG:3857 metres."""
        return float(WORLD_M / 2**self.z)


@dataclass(frozen=True, slots=True)
class TileGrid:
    """One tile matrix set; its first zoom has `columns` x `rows` tiles. The corner is the upper left one."""

    id: str
    title: str
    uri: str
    """Empty when the set is in no register: its own document defines it."""
    srid: int
    left: float
    top: float
    width_m: float
    """Side of a tile of the first zoom."""
    columns: int
    rows: int
    min_zoom: int
    max_zoom: int
    scale_set: str = ""

    def side(self, z: int) -> float:
        """Side of a tile, in units of the CRS."""
        return float(self.width_m / 2 ** (z - self.min_zoom))

    def cell(self, z: int) -> float:
        """Units of the CRS on one pixel."""
        return self.side(z) / TILE_PX

    def size(self, z: int) -> tuple[int, int]:
        """Number of columns and of rows."""
        return self.columns << (z - self.min_zoom), self.rows << (z - self.min_zoom)

    def parse(self, z: str, y: str, x: str) -> TileAddress:
        """Read an address. Raises TileOutOfRange when there is no such tile."""
        if not all(part.isascii() and part.isdigit() and len(part) < 9 for part in (z, y, x)):
            told = "/".join(part[:20] for part in (z, y, x))
            raise TileOutOfRange(f"{told} is not a tile address: give three whole numbers, zoom/row/column.")
        address = TileAddress(int(z), int(y), int(x))
        if self.min_zoom <= address.z <= self.max_zoom:
            columns, rows = self.size(address.z)
            if address.x < columns and address.y < rows:
                return address
        raise TileOutOfRange(
            f"{z}/{y}/{x} is outside {self.id}: zoom {self.min_zoom} to {self.max_zoom}, then rows and columns as its "
            "definition says."
        )

    def box(self, address: TileAddress) -> Bounds:
        """West, south, east, north of a tile."""
        side = self.side(address.z)
        west, north = self.left + address.x * side, self.top - address.y * side
        return west, north - side, west + side, north

    def span(self, z: int, box: Bounds) -> tuple[int, int, int, int]:
        """First and last column, first and last row of what meets a box, cut to what there is."""
        side, (columns, rows) = self.side(z), self.size(z)
        west, south, east, north = box
        first, last = int((west - self.left) // side), int((east - self.left) // side)
        upper, lower = int((self.top - north) // side), int((self.top - south) // side)
        return (
            max(0, min(columns - 1, first)),
            max(0, min(columns - 1, last)),
            max(0, min(rows - 1, upper)),
            max(0, min(rows - 1, lower)),
        )


WEB_MERCATOR = TileGrid(
    id="WebMercatorQuad",
    title="Google Maps Compatible for the World",
    uri="http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
    srid=3857,
    left=-WORLD_M / 2,
    top=WORLD_M / 2,
    width_m=WORLD_M,
    columns=1,
    rows=1,
    min_zoom=0,
    max_zoom=MAX_ZOOM,
    scale_set="http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
)
UTM_32 = TileGrid(
    # The pattern of UTM31WGS84Quad (OGC 17-083r2, annex D.4) in the zone of Cremona, where 1 m is 1 m.
    id="UTM32WGS84Quad",
    title="UTM zone 32N, WGS 84, quad",
    uri="",
    srid=32632,
    left=-9_501_965.72931276,
    top=20_003_931.4586255,
    width_m=20_003_931.4586255,
    columns=1,
    rows=2,
    min_zoom=1,
    max_zoom=MAX_ZOOM,
)
GRIDS = {grid.id: grid for grid in (WEB_MERCATOR, UTM_32)}
