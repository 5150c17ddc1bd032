"""The whole pack of real files: each goes in as pyogrio reads it, or is refused for the reason that holds."""

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pyogrio.raw
import pytest
import rasterio
import requests
import shapely
from django.conf import settings
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from pyproj import Transformer

from geoportal.models import User
from layers.importing.folder import files_in
from layers.importing.models import ImportOutcome
from layers.models import Layer
from tests.liveserver import served

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED = {
    "wifi_kiosk/freifunk_nodes_2015-09-25.json": "non GeoJSON",
    "wifi_kiosk/iot_lab_mqtt_messages_2020-03-31.json": "non GeoJSON",
}
COUNTS = {
    "codes/istat_comuni_2020-01-01_cp1252.csv": 7904,
    "derived/ghost_pair_agrone_25832_truth.csv": 173,
    "addresses/anagni_civici.parquet": 11185,
    "mobility/mise_fuel_stations_2026-08-21_pipe.csv.gz": 23861,
    "mobility/trenord_gtfs_2023.zip": 433,
    "derived/catasto_fogli_D150.csv": 119,
    "wifi_kiosk/linknyc_kiosks_2025-04-26.csv": 2235,
    "wifi_kiosk/linknyc_per_ap_usage_2018-07.csv": 1709,
    "wifi_kiosk/nyc_wifi_hotspots_2024-11-21.csv": 3319,
}
"""What pyogrio cannot count by itself: rows of tables (the fuel stations less their 112 broken rows)."""
CRS = {
    "addresses/anagni_civici.parquet": (4326, 32632),
    "addresses/anncsu_lombardia_2025-10-10.pmtiles": (3857, 32632),
    "boundaries/istat2019_regions_shp.zip": (32632, 32632),
    "boundaries/lombardia_municipalities.topo.json": (4326, 32632),
    "cadastre/cdu_example_3004.gpkg": (3004, 32632),
    "cadastre/trento_agrone_parcels_25832_shp.zip": (25832, 25832),
    "derived/alberi_monumentali_lombardia_3003_cp1252_shp.zip": (3003, 32632),
    "green/mipaaf_monumental_trees.geojson": (4326, 4326),
    "wifi_kiosk/paris_wifi_hotspots.geojson": (4326, 4326),
}


Outcomes = dict[tuple[str, str], ImportOutcome]


@pytest.fixture
def brought(real_data: Path) -> tuple[dict[str, dict[str, Any]], Outcomes]:
    """Every file sent through the web at once, reviewed, published by a worker: what the review said of each file
    (`refused`, or its layers), and what became of each layer."""
    steward = User.objects.create_user("curatrice")
    steward.groups.add(Group.objects.get_or_create(name="curatori")[0])
    paths = {path.name: path for path in files_in(real_data)}
    with served() as site, worker():
        session = signed_in(site, steward)
        with contextlib.ExitStack() as stack:
            files = [("files", (name, stack.enter_context(path.open("rb")))) for name, path in paths.items()]
            upload = posted(session, f"{site}/pubblica/", files=files)
        tables: dict[str, str] = {}
        for number, file in enumerate(settled(session, site, upload)["found"]):
            for place, layer in enumerate(file["layers"]):
                if "Nessuna colonna di coordinate" in layer.get("refused", ""):
                    tables |= {f"{number}-{place}-table": "1", f"{number}-{place}-form": "1"}
        posted(session, f"{site}/pubblica/{upload}/controlla/", data=tables)
        found = settled(session, site, upload)["found"]
        form: dict[str, str] = {**tables}
        for number, file in enumerate(found):
            for place, layer in enumerate(file["layers"]):
                if not layer.get("refused"):
                    form |= {f"{number}-{place}-take": "1", f"{number}-{place}-form": "1"}
        assert "Controlla e pubblica" in session.get(f"{site}/pubblica/{upload}/").text
        assert posted(session, f"{site}/pubblica/{upload}/importa/", data=form) == upload
        assert settled(session, site, upload)["phase"] == "done"
    rows = ImportOutcome.objects.select_related("layer")
    known = {name: path.relative_to(real_data).as_posix() for name, path in paths.items()}
    sys.stdout.write(tabled(found, known))
    return {known[file["name"]]: file for file in found}, {(known[row.file], row.source_layer): row for row in rows}


@contextlib.contextmanager
def worker() -> Iterator[None]:
    """A worker process on the test's database."""
    environment = {**os.environ, "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"])}
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"]
    process = subprocess.Popen(command, env=environment)
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def signed_in(site: str, user: User) -> requests.Session:
    client = Client()
    client.force_login(user)
    session = requests.Session()
    session.cookies.set("sessionid", client.cookies["sessionid"].value)
    session.get(f"{site}/pubblica/").raise_for_status()
    return session


def posted(session: requests.Session, address: str, **body: Any) -> str:
    """The number of the upload whose page a form of the site leads to."""
    token = {"csrfmiddlewaretoken": session.cookies["csrftoken"]}
    data = {**body.pop("data", {}), **token}
    answer = session.post(address, data=data, headers={"Referer": address}, allow_redirects=False, **body)
    assert answer.status_code == 302, answer.text[:500]
    return answer.headers["Location"].strip("/").split("/")[-1]


def settled(session: requests.Session, site: str, upload: str) -> dict[str, Any]:
    """The upload's state once no job is under way."""
    end = time.monotonic() + 300
    while time.monotonic() < end:
        state: dict[str, Any] = session.get(f"{site}/api/importazioni/{upload}").json()
        if state["phase"] not in ("inspecting", "importing"):
            return state
        time.sleep(0.2)
    raise AssertionError(f"still {state['phase']}: {state['message']}")


def tabled(found: list[dict[str, Any]], known: dict[str, str]) -> str:
    """File → result, for people."""
    outcomes = {(row.file, row.source_layer): row for row in ImportOutcome.objects.select_related("layer")}
    lines = []
    for file in found:
        for layer in file["layers"] or [{"name": "", "refused": file.get("refused")}]:
            row = outcomes.get((file["name"], layer["name"]))
            crs = f"{row.crs_found}→{row.storage_srid}" if row else "-"
            count = "raster" if row and row.features is None else str(row.features if row else "-")
            result = row.get_result_display() if row else f"Rifiutato: {layer['refused'][:60]}"
            name = f"{known[file['name']]} {layer['name']}".strip()
            lines.append(f"{name:<78} {count:>7} {crs:<18} {row.encoding if row else '':<7} {result}")
    return "\n".join(lines)


def column(layer: Layer, expression: str) -> list[object]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT {expression} FROM geodata."{layer.table_name}" ORDER BY fid')
        return [value for (value,) in cursor.fetchall()]


def test_every_file_of_the_pack_goes_in_through_the_web_or_is_refused(real_data: Path, brought) -> None:
    looked, outcomes = brought
    assert set(looked) == {path.relative_to(real_data).as_posix() for path in files_in(real_data)}
    refused = {}
    for file, seen in looked.items():
        reasons = [seen.get("refused"), *(layer.get("refused") for layer in seen["layers"])]
        if any(reasons):
            refused[file] = " ".join(filter(None, reasons))
    assert set(refused) == set(REFUSED)
    for file, words in REFUSED.items():
        assert words in refused[file]
    assert {file for file, _layer in outcomes} == set(looked) - set(refused)
    for (file, name), outcome in outcomes.items():
        assert outcome.result in (ImportOutcome.Result.IMPORTED, ImportOutcome.Result.PARTLY), outcome.reason
        if file.endswith(".tif"):
            check_raster(real_data / file, outcome)
        elif file in COUNTS:
            assert outcome.features == COUNTS[file], file
        else:
            check_against_pyogrio(real_data / file, name, outcome)
        if file in CRS:
            assert (outcome.crs_found, outcome.storage_srid) == (f"EPSG:{CRS[file][0]}", CRS[file][1]), file
    check_accents_and_traps(outcomes)


def check_raster(path: Path, outcome: ImportOutcome) -> None:
    assert outcome.layer is not None
    with rasterio.open(path) as source:
        info = outcome.layer.raster_info
        assert (info["width"], info["height"], len(info["bands"])) == (source.width, source.height, source.count)
        assert info["nodata"] == source.nodata
        assert outcome.layer.srid == source.crs.to_epsg()
        values = source.read(1, masked=True)
        assert info["bands"][0]["min"] == pytest.approx(float(values.min()))
        assert info["bands"][0]["max"] == pytest.approx(float(values.max()))


def check_against_pyogrio(path: Path, name: str, outcome: ImportOutcome) -> None:
    """Counts, nulls, attributes and the middle of every geometry as pyogrio reads them."""
    layer = outcome.layer
    assert layer is not None, outcome.reason
    encoding = outcome.encoding or None
    source = None if path.suffix == ".zip" else name
    meta, _fids, wkb, fields = pyogrio.raw.read(str(path), layer=source, encoding=encoding)
    read = np.asarray(shapely.from_wkb(wkb, on_invalid="fix"))
    assert outcome.features == len(read), path.name
    assert outcome.null_geometries == int(np.count_nonzero(shapely.is_missing(read)))
    assert {field.source_name for field in layer.fields.all()} == set(meta["fields"])
    for field in layer.fields.filter(type="string"):
        values = fields[list(meta["fields"]).index(field.source_name)]
        assert column(layer, f'"{field.name}"') == [value if value is None else str(value) for value in values]
    to_storage = Transformer.from_crs(int(outcome.crs_found.removeprefix("EPSG:")), layer.srid, always_xy=True)
    boxes = shapely.bounds(read)
    middle = to_storage.transform((boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2)
    stored = np.array(column(layer, "ST_X(ST_Centroid(ST_Envelope(geom)))"), dtype=float)
    near = 1e-4 if layer.srid == 4326 else 25.0  # the middle of a box moves when the box is turned, and Monte Mario
    finite = np.isfinite(boxes[:, 0])
    assert np.abs(stored - middle[0])[finite].max() < near * (1 if "Point" in str(meta["geometry_type"]) else 40)


def check_accents_and_traps(outcomes: Outcomes) -> None:
    def layer(file: str) -> Layer:
        (found,) = (row.layer for (name, _), row in outcomes.items() if name == file)
        assert found is not None
        return found

    trees = layer("derived/alberi_monumentali_lombardia_3003_cp1252_shp.zip")
    assert any("Libertà" in str(value) for value in column(trees, "localita"))
    fuel = outcomes["mobility/mise_fuel_stations_2026-08-21_pipe.csv.gz", "mise_fuel_stations_2026-08-21_pipe"]
    assert (fuel.result, fuel.rejected_rows, fuel.null_geometries) == (ImportOutcome.Result.PARTLY, 112, 3)
    comuni = layer("codes/istat_comuni_2020-01-01_cp1252.csv")
    assert (comuni.geometry_field, comuni.srid) == ("", None)
    assert {"Forlì", "Cantù", "Mondovì"} <= set(column(comuni, "denominazione_in_italiano"))
    assert " 036 " not in column(comuni, "progressivo_del_comune_2")
    provinces = layer("boundaries/istat2019_provinces.gpkg")
    assert provinces.geometry_type == "MULTIPOLYGON"
    assert "Unità non amministrativa" in column(provinces, "tipo_uts")
    assert column(layer("derived/catasto_fogli_D150.csv"), "foglio")[0] == "0001"
    civics = layer("derived/anncsu_cremona_civici_2025-12-02.gpkg")
    assert (civics.feature_count, civics.geometry_type) == (26119, "POINT")
    terrain = outcomes["cadastre/cdu_example_3004.gpkg", "terreni_catastali"].layer
    assert terrain is not None
    spaced = outcomes["cadastre/cdu_example_3004.gpkg", "vincoli"].layer
    assert spaced is not None
    assert spaced.fields.get(source_name="riferimento legislativo").name == "riferimento_legislativo"
    kinds = {field.name: field.type for field in layer("wifi_kiosk/linknyc_per_ap_usage_2018-07.csv").fields.all()}
    assert "number" in kinds.values()
    assert sum(value is None for value in column(layer("wifi_kiosk/cremona_wifi_places.geojson"), "geom::text")) == 4
