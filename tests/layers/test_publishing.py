"""Files brought through the web: looked at without writing, imported whole or not at all, by stewards alone."""

import html
import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from geoportal.models import User
from geoportal.publishing import receiving
from layers.jobs import services
from layers.jobs.models import Job
from layers.jobs.registry import JobFailed, kinds
from layers.models import Layer, Upload
from tests.geodata import forget_catalogue
from tests.layers.test_import_data import shapefile
from tests.layers.test_import_formats import write

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def steward(client: Client, db: None) -> User:
    user = User.objects.create_user("curatrice", password="x")
    user.groups.add(Group.objects.get_or_create(name="curatori")[0])
    client.force_login(user)
    return user


class Doing:
    """A job's context that keeps what it is told; the real one writes it to the job's row."""

    def __init__(self, job: Job) -> None:
        self.parameters, self.user_id = job.parameters, job.user_id
        self.said: list[tuple[int, str]] = []

    def progress(self, percent: int, message: str = "") -> None:
        self.said.append((percent, message))

    def log(self, text: str) -> None:
        self.said.append((-1, text))


def do(job: Job | None) -> dict[str, Any]:
    """Do a queued job here and now, as the worker's child would."""
    assert job is not None
    try:
        result = kinds()[job.kind].handler(Doing(job))
    except JobFailed as error:
        Job.objects.filter(pk=job.pk).update(state="failed", message=str(error))
        return {}
    Job.objects.filter(pk=job.pk).update(state="done", result=json.loads(json.dumps(result)), progress=100)
    return result


def bring(client: Client, *paths: Path) -> Upload:
    files = [SimpleUploadedFile(path.name, path.read_bytes()) for path in paths]
    response = client.post("/pubblica/", {"files": files})
    assert response.status_code == 302
    return Upload.objects.get(pk=response["Location"].strip("/").split("/")[-1])


def looked(client: Client, *paths: Path) -> tuple[Upload, list[dict[str, Any]]]:
    upload = bring(client, *paths)
    files: list[dict[str, Any]] = do(upload.inspection)["files"]
    return Upload.objects.get(pk=upload.pk), files


def test_only_stewards_and_administrators_may_bring_files(client: Client) -> None:
    assert client.get("/pubblica/")["Location"].startswith("/accedi/")
    assert client.post("/api/importazioni").status_code == 401
    plain = User.objects.create_user("tecnico")
    client.force_login(plain)
    assert client.get("/pubblica/").status_code == 403
    assert client.post("/api/importazioni").status_code == 403


def test_someone_elses_upload_is_not_there(client: Client, steward: User, tmp_path: Path) -> None:
    upload = bring(client, write(tmp_path / "edifici.gpkg", "GPKG"))
    other = User.objects.create_user("altra")
    other.groups.add(Group.objects.get(name="curatori"))
    client.force_login(other)
    assert client.get(f"/pubblica/{upload.pk}/").status_code == 404
    assert client.get(f"/api/importazioni/{upload.pk}").status_code == 404


def test_looking_writes_nothing_and_tells_everything(client: Client, steward: User, tmp_path: Path) -> None:
    bowtie = shapely.Polygon([(580000, 4998000), (580010, 4998010), (580010, 4998000), (580000, 4998010)])
    square = shapely.box(580000, 4998000, 580010, 4998010)
    path = write(tmp_path / "edifici.gpkg", "GPKG", geometries=np.array([bowtie, square]))
    before = Layer.objects.count()
    upload, files = looked(client, path)
    (layer,) = files[0]["layers"]
    assert Layer.objects.count() == before
    assert (layer["features"], layer["invalid"], layer["types"], layer["place"]) == (2, 1, {"POLYGON": 2}, "city")
    assert layer["crs"] == "EPSG:32632"
    page = client.get(f"/pubblica/{upload.pk}/").content.decode()
    assert "1 geometrie non valide" in page
    assert "Città" in page


def test_a_wrong_system_is_pointed_out_and_the_right_one_named(client: Client, steward: User, tmp_path: Path) -> None:
    square = shapely.box(1580000, 4998000, 1580010, 4998010)
    path = write(tmp_path / "edifici.gpkg", "GPKG", crs="EPSG:3004", geometries=np.array([square, square]))
    upload, files = looked(client, path)
    (layer,) = files[0]["layers"]
    assert layer["place"] != "city"
    assert {"srid": 3003, "swapped": False, "place": "city"} in layer["elsewhere"]
    assert "Con EPSG:3003 cadrebbero nel comune" in client.get(f"/pubblica/{upload.pk}/").content.decode()
    client.post(f"/pubblica/{upload.pk}/controlla/", {"0-0-srid": "3003", "0-0-form": "1"})
    upload.refresh_from_db()
    (again,) = do(upload.inspection)["files"][0]["layers"]
    assert (again["crs"], again["place"]) == ("EPSG:3003", "city")


def test_swapped_axes_are_put_right_when_asked(client: Client, steward: User, tmp_path: Path) -> None:
    points = np.array([shapely.Point(4998000, 580000), shapely.Point(4998010, 580010)])
    path = write(tmp_path / "pali.gpkg", "GPKG", geometries=points, geometry_type="Point")
    upload, files = looked(client, path)
    assert {"srid": 32632, "swapped": True, "place": "city"} in files[0]["layers"][0]["elsewhere"]
    client.post(
        f"/pubblica/{upload.pk}/importa/", {"0-0-take": "1", "0-0-swap": "1", "0-0-form": "1", "0-0-title": "Pali"}
    )
    upload.refresh_from_db()
    do(upload.publication)
    layer = Layer.objects.get(slug="pali")
    assert layer.storage_bbox == pytest.approx([580000, 4998000, 580010, 4998010])


def test_another_encoding_changes_the_rows(client: Client, steward: User, tmp_path: Path) -> None:
    upload, files = looked(client, shapefile(tmp_path, encoding="CP1252", cpg=None))
    (layer,) = files[0]["layers"]
    assert layer["encoding"] == "cp1252"
    assert any("à" in cell for row in layer["rows"] for cell in row)
    client.post(f"/pubblica/{upload.pk}/controlla/", {"0-0-encoding": "cp437", "0-0-form": "1"})
    upload.refresh_from_db()
    (again,) = do(upload.inspection)["files"][0]["layers"]
    assert not any("à" in cell for row in again["rows"] for cell in row)


def test_loose_parts_of_a_shapefile_are_one_thing(client: Client, steward: User, tmp_path: Path) -> None:
    with zipfile.ZipFile(shapefile(tmp_path, encoding="UTF-8", cpg="vie.CPG")) as archive:
        parts = {f"VIE{Path(name).suffix.upper()}": archive.read(name) for name in archive.namelist()}
    response = client.post("/pubblica/", {"files": [SimpleUploadedFile(name, data) for name, data in parts.items()]})
    upload = Upload.objects.get(pk=response["Location"].strip("/").split("/")[-1])
    (file,) = do(upload.inspection)["files"]
    assert file["format"] == "Shapefile"
    assert file["layers"][0]["features"] == 2


def test_published_as_chosen_with_a_report(client: Client, steward: User, tmp_path: Path) -> None:
    (tmp_path / "codici.csv").write_text("codice;nome\n1;Uno\n")
    (tmp_path / "tavola.dwg").write_text("AC1032")
    upload, _files = looked(
        client, write(tmp_path / "edifici.gpkg", "GPKG"), tmp_path / "codici.csv", tmp_path / "tavola.dwg"
    )
    form = {"0-0-take": "1", "0-0-form": "1", "0-0-title": "Edifici storici", "0-0-access": "internal"}
    client.post(f"/pubblica/{upload.pk}/importa/", form)
    upload.refresh_from_db()
    assert upload.phase == "importing"
    folder = upload.folder
    do(upload.publication)
    layer = Layer.objects.get(slug="edifici-storici")
    assert (layer.title_it, layer.access, layer.feature_count) == ("Edifici storici", "internal", 3)
    report = json.loads(client.get(f"/pubblica/{upload.pk}/rapporto.json").content)
    assert report["outcomes"][0]["layer"] == "edifici-storici"
    assert not folder.exists()
    assert [(one["file"], one["layer"]) for one in report["left_out"]] == [("codici.csv", "codici"), ("tavola.dwg", "")]
    page = client.get(f"/pubblica/{upload.pk}/").content.decode()
    assert "Edifici storici" in page
    assert all(one["reason"] in html.unescape(page) for one in report["left_out"])


def test_one_refused_layer_takes_the_others_back(client: Client, steward: User, tmp_path: Path) -> None:
    good, bad = write(tmp_path / "edifici.gpkg", "GPKG"), write(tmp_path / "altri.gpkg", "GPKG")
    upload, _files = looked(client, good, bad)
    before = Layer.objects.count()
    form = {f"{n}-0-{key}": value for n in (0, 1) for key, value in {"take": "1", "form": "1"}.items()}
    client.post(f"/pubblica/{upload.pk}/importa/", form | {"1-0-srid": "2100"} | {"0-0-title": "Prima"})
    (upload.folder / "001" / "altri.gpkg").write_bytes(b"rotto")
    upload.refresh_from_db()
    do(upload.publication)
    assert Layer.objects.count() == before
    upload = Upload.objects.get(pk=upload.pk)
    assert upload.phase == "review"
    assert "non ha scritto nulla" in client.get(f"/pubblica/{upload.pk}/").content.decode()


def test_an_existing_layer_is_replaced_only_when_one_may_see_it(client, steward, tmp_path, import_path) -> None:
    (outcome,) = import_path(write(tmp_path / "edifici.gpkg", "GPKG"))
    forget_catalogue()
    one = np.array([shapely.box(580000, 4998000, 580001, 4998001)])
    upload, _files = looked(client, write(tmp_path / "nuovi.gpkg", "GPKG", geometries=one))
    client.post(f"/pubblica/{upload.pk}/importa/", {"0-0-take": "1", "0-0-form": "1", "0-0-slug": "edifici"})
    upload.refresh_from_db()
    do(upload.publication)
    outcome.layer.refresh_from_db()
    assert outcome.layer.feature_count == 1
    other, _files = looked(client, write(tmp_path / "altri.gpkg", "GPKG"))
    client.post(f"/pubblica/{other.pk}/importa/", {"0-0-take": "1", "0-0-form": "1", "0-0-slug": "punti-accesso-wifi"})
    other.refresh_from_db()
    assert other.publication is None


def test_a_script_publishes_in_one_request(client: Client, steward: User, tmp_path: Path) -> None:
    data = SimpleUploadedFile("panchine.csv", b"nome;lat;lon\nuna;45,13;10,02\n")
    response = client.post("/api/importazioni", {"files": data, "title": "Panchine", "access": "public"})
    assert response.status_code == 202
    upload = Upload.objects.get(pk=response.json()["id"])
    do(upload.publication)
    state = client.get(response["Location"]).json()
    assert (state["phase"], state["outcomes"][0]["layer"], state["outcomes"][0]["features"]) == ("done", "panchine", 1)
    bad = client.post("/api/importazioni", {"files": BytesIO(b"x"), "srid": "tremila"})
    assert (bad.status_code, "EPSG" in bad.json()["description"]) == (400, True)


def test_too_much_is_cut_off_while_it_comes(client: Client, steward: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "UPLOAD_BYTES", 1000)
    data = SimpleUploadedFile("grande.csv", b"x" * 200_000)
    response = client.post("/api/importazioni", {"files": data})
    assert response.status_code in (400, 413)
    assert not Upload.objects.exists()


def test_a_forged_request_is_refused(steward: User, tmp_path: Path) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(steward)
    data = SimpleUploadedFile("a.csv", b"lat;lon\n45;10\n")
    assert strict.post("/pubblica/", {"files": data}).status_code == 403
    assert strict.post("/api/importazioni", {"files": data}).status_code == 403


def test_what_a_person_waits_for_goes_before_background_work(client: Client, steward: User, tmp_path: Path) -> None:
    services.enqueue("statistics", {"slugs": []})
    upload = bring(client, write(tmp_path / "edifici.gpkg", "GPKG"))
    first = services.claim("1")
    assert first is not None
    assert first.id == upload.inspection_id
