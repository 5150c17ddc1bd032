"""A GeoTIFF or ASCII grid made a COG, in a reading process: tiled, overviews, nodata and palette kept, measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from affine import Affine
from django.utils.translation import gettext as _
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import array_bounds, from_bounds
from rasterio.vrt import WarpedVRT

from layers.importing.beside import Beside, found_beside
from layers.importing.crs import Bounds, FoundCrs, chosen, declared, degrees_bounds, guessed
from layers.importing.errors import ImportRefused
from layers.importing.options import LIMITS
from layers.importing.texts import plain

_ERRORS = (RasterioError, CPLE_BaseError, OSError, ValueError)
"""What GDAL says no to; of a copy rasterio hands its errors on as they are."""


_FARTHEST = 1e30
"""No measurement is so large; the least and the greatest 32-bit number are."""


def convert(source: Path, driver: str, parts: list[Path], target: Path, srid: int | None) -> dict[str, Any]:
    """Write a raster as a COG and tell what is in it. Raises ImportRefused; whoever fails later removes the file."""
    try:
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR", GDAL_NUM_THREADS="2"):
            passing = target.with_suffix(".vrt")
            with _placed(source, driver, parts, passing, srid) as (dataset, crs):
                notes = _check(dataset)
                with _upright(dataset) as (upright, how):
                    _write(upright, target)
            with rasterio.open(target, driver="GTiff") as cog:
                made = _describe(cog, crs, notes + how)
            if (hole := _hole(made["info"])) is None:
                return made
            _write_again(target, passing, hole)
            with rasterio.open(target, driver="GTiff") as cog:
                text = _("il valore %(value)s, non dichiarato, è preso per «nodata»") % {"value": f"{hole:g}"}
                return _describe(cog, crs, [*how, text])
    except _ERRORS as error:
        target.unlink(missing_ok=True)
        raise ImportRefused(_("GDAL non riesce a leggere il raster: %(error)s") % {"error": plain(error)}) from error
    except ImportRefused:
        target.unlink(missing_ok=True)
        raise


def review(source: Path, driver: str, parts: list[Path], folder: Path, srid: int | None) -> dict[str, Any]:
    """What a raster says of itself, without reading its pixels. Raises ImportRefused."""
    try:
        with (
            rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"),
            _placed(source, driver, parts, folder / "guardato.vrt", srid) as (dataset, crs),
        ):
            notes = _check(dataset)
            bounds: Bounds = tuple(dataset.bounds)
            return {
                "crs": crs.name,
                "srid": crs.srid,
                "crs_how": crs.how,
                "crs_is_guess": crs.is_guess,
                "width": dataset.width,
                "height": dataset.height,
                "bands": dataset.count,
                "resolution": [abs(dataset.res[0]), abs(dataset.res[1])],
                "nodata": _json_number(dataset.nodata),
                "bounds": bounds,
                "degrees": degrees_bounds(crs.crs, bounds),
                "notes": notes,
            }
    except _ERRORS as error:
        raise ImportRefused(_("GDAL non riesce a leggere il raster: %(error)s") % {"error": plain(error)}) from error


@contextmanager
def _placed(
    source: Path, driver: str, parts: list[Path], passing: Path, srid: int | None
) -> Iterator[tuple[DatasetReader, FoundCrs]]:
    """The raster with its system and position, also where those stand beside it or are chosen.

    Then it is seen through `passing`, a VRT of our own that is gone afterwards: nothing of the pixels, masks and
    colours changes.
    """
    beside = found_beside(parts)
    with rasterio.open(source, driver=driver) as dataset:
        transform = dataset.transform
        if transform.is_identity and beside.transform is not None:
            transform = beside.transform
        elif transform.is_identity and dataset.gcps[0]:
            with _by_points(dataset, srid) as warped:
                yield warped, _crs(warped, warped.transform, beside, srid)
            return
        crs = _crs(dataset, transform, beside, srid)
        if dataset.crs and transform == dataset.transform and not srid:
            yield dataset, crs
            return
        rasterio.shutil.copy(dataset, passing, driver="VRT")
    try:
        with rasterio.open(passing, "r+", driver="VRT") as placed:
            placed.crs, placed.transform = crs.crs.to_wkt(), transform
        with rasterio.open(passing, driver="VRT") as placed:
            yield placed, crs
    finally:
        passing.unlink(missing_ok=True)


@contextmanager
def _by_points(dataset: DatasetReader, srid: int | None) -> Iterator[WarpedVRT]:
    """A scan that knows its place by control points alone, brought onto a grid of their system."""
    _points, crs = dataset.gcps
    if crs is None and not srid:
        raise ImportRefused(_("I punti di controllo del raster non hanno un sistema di riferimento: indicarlo."))
    given = CRS.from_epsg(srid) if srid else crs
    with WarpedVRT(dataset, src_crs=given, crs=given, **_warping(dataset)) as warped:
        yield warped


@contextmanager
def _upright(dataset: DatasetReader) -> Iterator[tuple[DatasetReader, list[str]]]:
    """The raster with its rows from north to south and its columns from west to east, and what that took.

    Turned upside down the pixels stay what they are; a raster that lies askew gets new ones.
    """
    transform = dataset.transform
    how = [_("posizionato con i suoi punti di controllo")] if isinstance(dataset, WarpedVRT) else []
    if not (transform.b or transform.d) and transform.a > 0 > transform.e:
        yield dataset, how
        return
    if transform.b or transform.d:
        with WarpedVRT(dataset, crs=dataset.crs, **_warping(dataset)) as warped:
            yield warped, [*how, _("era ruotato: raddrizzato")]
        return
    west, south, east, north = array_bounds(dataset.height, dataset.width, transform)
    west, east, south, north = min(west, east), max(west, east), min(south, north), max(south, north)
    grid = from_bounds(west, south, east, north, dataset.width, dataset.height)
    size = {"transform": grid, "width": dataset.width, "height": dataset.height}
    with WarpedVRT(dataset, crs=dataset.crs, resampling=Resampling.nearest, **size) as warped:
        yield warped, [*how, _("era capovolto: girato con il nord in alto")]


def _warping(dataset: DatasetReader) -> dict[str, Any]:
    """Classes must not be averaged; what lies outside the old edges is transparent or has no value."""
    floating = np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating)
    free = math.nan if floating and dataset.nodata is None else dataset.nodata
    return {
        "resampling": Resampling.nearest if _is_palette(dataset) else Resampling.bilinear,
        "nodata": free,
        "add_alpha": free is None and not _has_alpha(dataset),
        "warp_mem_limit": 64,
    }


def _hole(info: dict[str, Any]) -> float | None:
    """The value that stands for none though the file does not say so: as far out as floating numbers go."""
    if info["nodata"] is not None:
        return None
    ends = [band[end] for band in info["bands"] if "float" in band["dtype"] for end in ("min", "max")]
    return next((value for value in ends if value is not None and abs(value) > _FARTHEST), None)


def _write_again(target: Path, passing: Path, nodata: float) -> None:
    """The COG once more, a value of it said to be none: its overviews must not be averaged with it."""
    first = target.with_suffix(".primo.tif")
    target.rename(first)
    try:
        with rasterio.open(first, driver="GTiff", OVERVIEW_LEVEL="NONE") as cog:
            rasterio.shutil.copy(cog, passing, driver="VRT")
        with rasterio.open(passing, "r+", driver="VRT") as placed:
            placed.nodata = nodata
        with rasterio.open(passing, driver="VRT") as placed:
            _write(placed, target)
    finally:
        first.unlink(missing_ok=True)
        passing.unlink(missing_ok=True)


def _crs(dataset: DatasetReader, transform: Affine, beside: Beside, srid: int | None) -> FoundCrs:
    if srid:
        return chosen(srid)
    found = declared(dataset.crs.to_wkt(), _("dichiarato nel file")) if dataset.crs else beside.crs
    if found is None:
        if transform.is_identity:
            raise ImportRefused(_no_place())
        return guessed(array_bounds(dataset.height, dataset.width, transform))
    if found.srid is None:
        raise ImportRefused(
            _("Il sistema di riferimento del raster (%(name)s) non ha un codice EPSG: indicarlo.")
            % {"name": found.name}
        )
    return found


def _no_place() -> str:
    return _("Il raster non ha una posizione (georeferenziazione): caricarlo insieme al suo file .tfw.")


def _check(dataset: DatasetReader) -> list[str]:
    if dataset.width * dataset.height > LIMITS.raster_pixels:
        raise ImportRefused(_("Il raster ha troppi pixel (%(count)s).") % {"count": dataset.width * dataset.height})
    if dataset.transform.is_identity:
        raise ImportRefused(_no_place())
    if any(np.issubdtype(np.dtype(kind), np.complexfloating) for kind in dataset.dtypes):
        raise ImportRefused(_("Il raster è di numeri complessi (radar): convertirlo prima in ampiezze o fasi."))
    if not all(math.isfinite(value) for value in dataset.bounds):
        raise ImportRefused(_("La posizione del raster non è finita."))
    told = dataset.nodata is not None or _has_alpha(dataset) or MaskFlags.per_dataset in dataset.mask_flag_enums[0]
    return [] if told else [_("nessun valore «nodata» dichiarato")]


def _has_alpha(dataset: DatasetReader) -> bool:
    return ColorInterp.alpha in dataset.colorinterp


def _has_odd_bits(dataset: DatasetReader) -> bool:
    """Samples of 1 or 12 bits, as in scans and satellite images."""
    return dataset.tags(1, ns="IMAGE_STRUCTURE").get("NBITS", "8") not in ("8", "16", "32", "64")


def _is_palette(dataset: DatasetReader) -> bool:
    return bool(dataset.colorinterp[0] == ColorInterp.palette)


def _write(dataset: DatasetReader, target: Path) -> None:
    floating = np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating)
    # Classes must not be averaged; measurements and colours should be.
    resampling = "NEAREST" if _is_palette(dataset) else "AVERAGE"
    options: dict[str, Any] = {
        "driver": "COG",
        "compress": "DEFLATE",
        "predictor": "NO"
        if _is_palette(dataset) or _has_odd_bits(dataset)
        else ("FLOATING_POINT" if floating else "STANDARD"),
        "level": "6",
        "blocksize": "256" if max(dataset.width, dataset.height) < 4096 else "512",
        "overview_resampling": resampling,
        "bigtiff": "IF_SAFER",
        "num_threads": "2",
    }
    rasterio.shutil.copy(dataset, target, **options)


def _describe(cog: DatasetReader, crs: FoundCrs, notes: list[str]) -> dict[str, Any]:
    bounds: Bounds = tuple(cog.bounds)
    degrees = degrees_bounds(crs.crs, bounds)
    if degrees is None:
        raise ImportRefused(_("La posizione del raster non si traduce in gradi."))
    info = {
        "width": cog.width,
        "height": cog.height,
        "resolution": [abs(cog.res[0]), abs(cog.res[1])],
        "nodata": _json_number(cog.nodata),
        "overviews": cog.overviews(1),
        "bands": [_band(cog, band) for band in cog.indexes],
    }
    return {
        "crs": crs.name,
        "srid": crs.srid,
        "crs_how": crs.how,
        "info": info,
        "bounds": bounds,
        "degrees": degrees,
        "notes": notes,
    }


def _band(cog: DatasetReader, band: int) -> dict[str, Any]:
    """Exact statistics over the valid pixels, a row of blocks at a time."""
    count, total, squares = 0, 0.0, 0.0
    low, high = math.inf, -math.inf
    for _place, window in cog.block_windows(band):
        values = cog.read(band, window=window, masked=True).compressed().astype(np.float64)
        values = values[np.isfinite(values)]
        if len(values):
            count += len(values)
            total += float(values.sum())
            squares += float(np.square(values).sum())
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    mean = total / count if count else None
    spread = math.sqrt(max(0.0, squares / count - mean * mean)) if count and mean is not None else None
    return {
        "dtype": cog.dtypes[band - 1],
        "min": low if count else None,
        "max": high if count else None,
        "mean": mean,
        "std": spread,
        "valid_pixels": count,
        "description": cog.descriptions[band - 1] or "",
        "interpretation": cog.colorinterp[band - 1].name,
        "colormap": _colormap(cog, band),
    }


def _colormap(cog: DatasetReader, band: int) -> dict[str, list[int]]:
    try:
        found = cog.colormap(band)
    except ValueError:
        return {}
    return {str(value): list(colour) for value, colour in found.items()}


def _json_number(value: float | None) -> float | str | None:
    return "nan" if value is not None and math.isnan(value) else value
