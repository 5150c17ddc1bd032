"""What administrators do with the catalogue, and what the admin does not let them do wrong."""

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from geoportal.models import User
from layers.models import Layer
from tests.layers.conftest import Importer

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("capo", password="x"))
    return client


@pytest.fixture
def benches(tmp_path: Path, import_path: Importer) -> Layer:
    path = tmp_path / "panchine.csv"
    path.write_text("nome;lat;lon\nuna;45,13;10,02\ndue;45,14;10,03\n", encoding="utf-8")
    (outcome,) = import_path(path)
    assert outcome.layer is not None
    return outcome.layer


def act(admin: Client, action: str, layer: Layer):
    address = reverse("admin:layers_layer_changelist")
    return admin.post(address, {"action": action, "_selected_action": [layer.pk]}, follow=True)


def test_every_page_of_the_catalogue_opens(admin: Client, benches: Layer) -> None:
    for name in ("layer", "theme", "importrun", "importoutcome", "job"):
        assert admin.get(reverse(f"admin:layers_{name}_changelist")).status_code == 200
    page = admin.get(reverse("admin:layers_layer_change", args=[benches.pk]))
    assert b"panchine" in page.content
    run = benches.imports.get().run
    assert b"EPSG:4326" in admin.get(reverse("admin:layers_importrun_change", args=[run.pk])).content


def test_a_layer_is_withdrawn_and_published_again(admin: Client, benches: Layer) -> None:
    act(admin, "withdraw", benches)
    benches.refresh_from_db()
    assert not benches.is_published
    act(admin, "publish", benches)
    benches.refresh_from_db()
    assert benches.is_published


def test_a_layer_without_its_table_is_not_published(admin: Client, benches: Layer) -> None:
    act(admin, "withdraw", benches)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE geodata.panchine")
    page = act(admin, "publish", benches)
    benches.refresh_from_db()
    assert not benches.is_published
    assert "panchine" in page.content.decode()


def test_statistics_are_measured_again(admin: Client, benches: Layer) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM geodata.panchine WHERE fid = 1")
    act(admin, "measure", benches)
    benches.refresh_from_db()
    assert benches.feature_count == 1


def test_a_table_that_is_not_there_is_refused_with_its_name(admin: Client) -> None:
    values = {
        "title_it": "Fantasma",
        "slug": "fantasma",
        "kind": "vector",
        "table_name": "non_esiste",
        "id_field": "fid",
        "position": 0,
        "licence": "CC-BY-4.0",
        "update_frequency": "UNKNOWN",
        "min_zoom": 0,
        "max_zoom": 22,
        "access": "public",
        **{f"{prefix}-{part}_FORMS": 0 for prefix in ("fields", "styles") for part in ("TOTAL", "INITIAL")},
    }
    page = admin.post(reverse("admin:layers_layer_add"), values)
    assert page.status_code == 200
    assert "non_esiste" in page.content.decode()
    assert not Layer.objects.filter(slug="fantasma").exists()
