"""`/fonti/`: everyone sees how the sources of their layers are doing, stewards see more and act."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from layers.models import Job, Layer, Source, SourceState, Theme
from layers.rights import STEWARDS
from layers.sources import health, services
from layers.sources.harvest import harvest
from tests.geodata import forget_catalogue
from tests.sources.conftest import Elsewhere
from tests.sources.test_harvest import CSV

FORM = {"title": "Scuole", "kind": "file", "access": "public", "every_minutes": "60", "timeout_ms": "3000"}


def steward(*groups: str) -> Client:
    user = User.objects.create_user("-".join(("curatrice", *groups)))
    user.groups.add(*(Group.objects.get_or_create(name=name)[0] for name in (STEWARDS, *groups)))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def source(db: None, elsewhere: Elsewhere) -> Source:
    elsewhere.says("/dati.csv", CSV.encode())
    values = {"title": "Servizi scolastici", "slug": "servizi-scolastici", "kind": "file", "access": "public",
              "address": f"{elsewhere.url}/dati.csv", "office": "Ufficio scuola"}  # fmt: skip
    made = services.make(values, "")
    harvest(made, lambda _done, _total: None)
    forget_catalogue()
    return made


def test_everyone_sees_health_and_only_stewards_what_is_behind_it(source: Source, elsewhere: Elsewhere) -> None:
    health.failed(source.pk, "127.0.0.1 rifiuta la connessione")
    public, kept = Client().get("/fonti/").content.decode(), steward().get("/fonti/").content.decode()
    for page in (public, kept):
        assert "Servizi scolastici" in page and "Non risponde" in page and "Ufficio scuola" in page
    assert "rifiuta" in kept and "Esegui ora" in kept
    assert all("Il livello mostra gli ultimi dati buoni." in page for page in (public, kept))
    assert "avvisare l'ufficio che lo tiene" in kept and "avvisare" not in public
    assert "rifiuta" not in public and "127.0.0.1" not in public and "Esegui ora" not in public
    layer = Client().get("/livelli/servizi-scolastici/").content.decode()
    assert "Non risponde" in layer and "rifiuta" not in layer
    told = Client().get("/api/fonti").json()["sources"]
    assert told[0]["health"] == "failing" and told[0]["layer"]["slug"] == "servizi-scolastici"


def test_a_source_of_a_closed_layer_is_nobodys_business(source: Source) -> None:
    Layer.objects.update(access="internal")
    forget_catalogue()
    assert "scolastici" not in Client().get("/fonti/").content.decode()
    assert Client().get("/api/fonti").json() == {"sources": []}
    assert "scolastici" in steward().get("/fonti/").content.decode()


def test_a_steward_of_another_theme_sees_but_does_not_touch(source: Source) -> None:
    theme = Theme.objects.create(slug="scuola", title_it="Scuola")
    theme.stewards.add(Group.objects.get_or_create(name="scuola")[0])
    Layer.objects.update(theme=theme)
    forget_catalogue()
    other, own = steward("verde"), steward("scuola")
    assert other.get(f"/fonti/{source.pk}/").status_code == 403
    assert other.post(f"/fonti/{source.pk}/esegui/").status_code == 403
    assert other.post(f"/fonti/{source.pk}/togli/").status_code == 403
    assert own.get(f"/fonti/{source.pk}/").status_code == 200
    assert Client().post(f"/fonti/{source.pk}/togli/").status_code == 302
    assert Source.objects.count() == 1


def test_a_source_is_made_run_paused_changed_and_removed_by_its_steward(db: None, elsewhere: Elsewhere) -> None:
    elsewhere.says("/scuole.csv", CSV.encode())
    client = steward()
    made = client.post("/fonti/nuova/", FORM | {"address": f"{elsewhere.url}/scuole.csv", "secret": "segreto"})
    source = Source.objects.get(slug="scuole")
    assert made["Location"] == f"/fonti/{source.pk}/"
    page = client.get(f"/fonti/{source.pk}/").content.decode()
    assert "Mai letta" in page and "segreto" not in page
    client.post(f"/fonti/{source.pk}/esegui/")
    client.post(f"/fonti/{source.pk}/esegui/")
    assert Job.objects.filter(kind="source", state="queued").count() == 1
    client.post(f"/fonti/{source.pk}/sospendi/")
    assert "Sospesa" in client.get("/fonti/").content.decode()
    kept = source.secret
    client.post(f"/fonti/{source.pk}/", FORM | {"title": "Scuole e asili", "address": f"{elsewhere.url}/due.csv"})
    source.refresh_from_db()
    assert (source.title, source.address, source.secret) == ("Scuole e asili", f"{elsewhere.url}/due.csv", kept)
    assert client.post(f"/fonti/{source.pk}/ballo/").status_code == 404
    client.post(f"/fonti/{source.pk}/togli/")
    assert not Source.objects.exists() and not SourceState.objects.exists()


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"address": "http://169.254.169.254/latest"}, "GEOPORTAL_SOURCE_HOSTS"),
        ({"address": "file:///etc/passwd"}, "http"),
        ({"kind": "wfs", "address": "http://127.0.0.1/wfs"}, "nome all&#x27;origine"),
        ({"kind": "ogr", "address": "/etc/passwd", "remote_name": "x", "format": "CSV"}, "GEOPORTAL_SOURCE_FOLDERS"),
        ({"kind": "ogr", "address": "/vsicurl/http://x/a.csv", "remote_name": "x", "format": "CSV"}, "non è un file"),
        ({"kind": "ogr", "address": "server:source_1", "remote_name": "x"}, "altra fonte"),
        ({"kind": "ogr", "address": "<OGRVRTDataSource/>", "remote_name": "x", "format": "VRT"}, "Formato"),
    ],
)
def test_a_bad_source_is_explained_in_the_form(db: None, settings: Any, more: dict[str, str], text: str) -> None:
    settings.SOURCE_FOLDERS = ["/srv/dati"]
    answer = steward().post("/fonti/nuova/", FORM | more)
    assert answer.status_code == 400 and text in answer.content.decode()
    assert not Source.objects.exists()
