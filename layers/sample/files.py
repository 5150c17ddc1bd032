"""The sample city as files: one GeoPackage for each layer and a GeoTIFF, as an office would hand them over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import rasterio
import shapely

from layers.sample import extras
from layers.sample.places import DISTRICTS
from layers.sample.plan import SRID, Plan, make_plan
from layers.sample.plots import Plots, make_plots
from layers.sample.streets import Street, make_streets

SEED = 26100
Shapes = np.ndarray[Any, Any]


def write_city(folder: Path, seed: int = SEED) -> list[Path]:
    """Make the city and write its files into `folder`, in the order they are to be imported."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    plan = make_plan(rng)
    streets, street_of = make_streets(plan, rng)
    plots = make_plots(plan, streets, street_of, rng)
    return [
        *_limits(folder, plan),
        _zoning(folder, plan),
        _parcels(folder, plots),
        _buildings(folder, plots),
        _streets(folder, streets),
        _numbers(folder, plots, streets),
        *_water(folder, plan, rng),
        *_points(folder, plan, plots, streets, rng),
        _terrain(folder, plan, rng),
    ]


def _write(
    folder: Path, name: str, geometry: str, shapes: Sequence[Any] | Shapes, columns: dict[str, Sequence[Any]]
) -> Path:
    path = folder / f"{name}.gpkg"
    path.unlink(missing_ok=True)
    pyogrio.raw.write(
        str(path),
        shapely.to_wkb(np.asarray(shapes, dtype=object)),
        [_array(values) for values in columns.values()],
        list(columns),
        geometry_type=geometry,
        crs=f"EPSG:{SRID}",
        driver="GPKG",
        layer=name,
        layer_options={"SPATIAL_INDEX": "NO"},
    )
    return path


def _array(values: Sequence[Any]) -> np.ndarray[Any, Any]:
    if values and isinstance(values[0], int):
        return np.asarray(values, dtype=np.int32)
    if values and isinstance(values[0], float):
        return np.asarray(values, dtype=np.float64)
    return np.asarray(values, dtype=object)


def _limits(folder: Path, plan: Plan) -> list[Path]:
    municipality = _write(
        folder,
        "confine_comunale",
        "Polygon",
        [plan.municipality],
        {
            "nome": ["Cremona (esempio)"],
            "istat": ["019036"],
            "codice_catastale": ["D150"],
            "ettari": [round(plan.municipality.area / 1e4, 2)],
        },
    )
    before = [(shape, district) for district, shape in plan.districts]
    previous = _write(
        folder,
        "quartieri_2020",
        "MultiPolygon",
        [_multi(shape) for shape, _ in before],
        {
            "numero": list(range(1, len(before) + 1)),
            "nome": [district.name for _, district in before],
            "ettari": [round(shape.area / 1e4, 1) for shape, _ in before],
        },
    )
    now = extras.current_districts(plan)
    current = _write(
        folder,
        "quartieri",
        "MultiPolygon",
        [_multi(shape) for shape, _ in now],
        {
            "numero": list(range(1, len(now) + 1)),
            "nome": [name for _, name in now],
            "ettari": [round(shape.area / 1e4, 1) for shape, _ in now],
        },
    )
    return [municipality, previous, current]


def _multi(shape: Any) -> Any:
    return shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape])


def _zoning(folder: Path, plan: Plan) -> Path:
    zones = extras.zoning(plan)
    return _write(
        folder,
        "pgt_zone",
        "Polygon",
        [shape for shape, _, _ in zones],
        {
            "zona": [extras.ZONES[kind][0] for _, kind, _ in zones],
            "descrizione": [extras.ZONES[kind][1] for _, kind, _ in zones],
            "norma": [extras.ZONES[kind][2] for _, kind, _ in zones],
            "quartiere": [DISTRICTS[district].name for _, _, district in zones],
            "superficie_m2": [round(shape.area, 1) for shape, _, _ in zones],
        },
    )


def _parcels(folder: Path, plots: Plots) -> Path:
    return _write(
        folder,
        "particelle_catastali",
        "Polygon",
        [parcel.shape for parcel in plots.parcels],
        {
            "comune": ["D150"] * len(plots.parcels),
            "foglio": [f"{parcel.sheet:04d}" for parcel in plots.parcels],
            "particella": [str(parcel.number) for parcel in plots.parcels],
            "superficie_m2": [round(parcel.shape.area, 1) for parcel in plots.parcels],
        },
    )


def _buildings(folder: Path, plots: Plots) -> Path:
    parcels = plots.parcels
    return _write(
        folder,
        "edifici",
        "Polygon",
        [building.shape for building in plots.buildings],
        {
            "classe": [building.code for building in plots.buildings],
            "uso": [building.use for building in plots.buildings],
            "piani": [building.levels for building in plots.buildings],
            "altezza_m": [building.height_m for building in plots.buildings],
            "anno": [building.year for building in plots.buildings],
            "foglio": [f"{parcels[building.parcel].sheet:04d}" for building in plots.buildings],
            "particella": [str(parcels[building.parcel].number) for building in plots.buildings],
            "quartiere": [DISTRICTS[building.district].name for building in plots.buildings],
        },
    )


def _streets(folder: Path, streets: list[Street]) -> Path:
    kinds = {"ring": "viale", "radial": "principale", "bypass": "tangenziale", "core": "centro", "town": "locale"}
    lines = [shapely.MultiLineString(shapely.get_parts(street.line).tolist()) for street in streets]
    return _write(
        folder,
        "strade",
        "MultiLineString",
        lines,
        {
            "codice": [street.code for street in streets],
            "odonimo": [street.name for street in streets],
            "tipo": [kinds[street.kind.split(":")[0]] for street in streets],
            "larghezza_m": [street.width for street in streets],
            "lunghezza_m": [round(street.length, 1) for street in streets],
        },
    )


def _numbers(folder: Path, plots: Plots, streets: list[Street]) -> Path:
    found = plots.numbers
    return _write(
        folder,
        "numeri_civici",
        "Point",
        shapely.points([(n.x, n.y) for n in found]),
        {
            "codice_strada": [streets[n.street].code for n in found],
            "odonimo": [streets[n.street].name for n in found],
            "civico": [f"{n.civic}/{n.exponent}" if n.exponent else str(n.civic) for n in found],
            "numero": [n.civic for n in found],
            "esponente": [n.exponent or None for n in found],
            "foglio": [f"{plots.parcels[n.parcel].sheet:04d}" for n in found],
            "particella": [str(plots.parcels[n.parcel].number) for n in found],
        },
    )


def _water(folder: Path, plan: Plan, rng: np.random.Generator) -> list[Path]:
    ditches = extras.make_ditches(plan, rng)
    return [
        _write(folder, "fiume", "Polygon", [plan.river], {"nome": ["Po"], "classe": ["A040101"]}),
        _write(
            folder,
            "rogge",
            "LineString",
            [line for line, _ in ditches],
            {"nome": [name for _, name in ditches], "lunghezza_m": [round(line.length, 1) for line, _ in ditches]},
        ),
    ]


def _points(folder: Path, plan: Plan, plots: Plots, streets: list[Street], rng: np.random.Generator) -> list[Path]:
    trees = extras.make_trees(plan, plots, streets, rng)
    schools = extras.make_schools(plan, plots, rng)
    stops = extras.make_stops(streets, rng)
    return [
        _write(
            folder,
            "alberi",
            "Point",
            shapely.points([(t.x, t.y) for t in trees]),
            {
                "specie": [extras.SPECIES[t.species][0] for t in trees],
                "nome_comune": [extras.SPECIES[t.species][1] for t in trees],
                "anno_impianto": [t.year for t in trees],
                "circonferenza_cm": [t.girth_cm for t in trees],
                "luogo": [t.place for t in trees],
            },
        ),
        _write(
            folder,
            "scuole",
            "Point",
            shapely.points([(s.x, s.y) for s in schools]),
            {
                "nome": [s.name for s in schools],
                "ordine": [s.kind for s in schools],
                "alunni": [int(s.extra) for s in schools],
            },
        ),
        _write(
            folder,
            "fermate_autobus",
            "Point",
            shapely.points([(s.x, s.y) for s in stops]),
            {
                "nome": [s.name for s in stops],
                "direzione": [s.kind for s in stops],
                "linee": [s.extra for s in stops],
            },
        ),
    ]


def _terrain(folder: Path, plan: Plan, rng: np.random.Generator) -> Path:
    heights, transform = extras.make_terrain(plan, rng)
    path = folder / "dtm.tif"
    profile = {
        "driver": "GTiff",
        "height": heights.shape[0],
        "width": heights.shape[1],
        "count": 1,
        "dtype": "float32",
        "crs": f"EPSG:{SRID}",
        "transform": transform,
        "nodata": -9999.0,
        "compress": "deflate",
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(heights, 1)
    return path
