"""`/api/dispositivi`: what stands in it, who sees what, in which language, and at what cost."""

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from geoportal.models import User
from geoportal.monitoring.judging import rejudge
from layers.models import Access, Layer
from layers.rights import TECHNICIANS
from tests.geodata import forget_catalogue
from tests.monitoring.devices import NOW, ago, device

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def two_devices(db: None) -> Any:
    point = device(
        "ap-piazza",
        name_it="Piazza del Comune",
        name_en="Town hall square",
        place="Duomo",
        status={"presence": "lost", "presence_at": ago(20), "metrics": {"clients_24": 3}, "info": {"fw": "1.2"}},
    )
    totem = device("totem-stazione", "totem", name_it="Stazione", is_sample=True)
    with connection.cursor() as cursor:
        rejudge(cursor, [point.pk, totem.pk], NOW)
    forget_catalogue()
    yield
    forget_catalogue()


def technician(client: Client) -> None:
    user = User.objects.create_user("tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)


def restrict(slug: str, access: Access) -> None:
    Layer.objects.filter(slug=slug).update(access=access)
    forget_catalogue()


def test_the_list_says_health_since_and_why(client: Client) -> None:
    answer = client.get("/api/dispositivi")
    assert answer.headers["Content-Type"] == "application/json"
    point, totem = answer.json()["devices"]
    assert point == {
        "devid": "ap-piazza",
        "kind": "ap",
        "name": "Piazza del Comune",
        "place": "Duomo",
        "lon": pytest.approx(10.0145, abs=0.001),
        "lat": pytest.approx(45.137, abs=0.002),
        "health": "problem",
        "since": NOW.isoformat(),
        "cause": "connection_lost",
        "cause_text": "Connessione interrotta all'improvviso",
        "presence": "lost",
        "last_seen_at": ago(10).isoformat(),
        "is_sample": False,
        "position_quality": "approximate",
    }
    assert (totem["devid"], totem["kind"], totem["is_sample"]) == ("totem-stazione", "totem", True)
    assert (totem["health"], totem["cause"], totem["cause_text"]) == ("ok", "", "")


def test_english_where_it_is_asked_for(client: Client) -> None:
    (point, totem) = client.get("/api/dispositivi", headers={"Accept-Language": "en"}).json()["devices"]
    assert (point["name"], point["cause_text"]) == ("Town hall square", "Connection broken suddenly")
    assert totem["name"] == "Stazione"  # no English name: the Italian one stands


def test_one_device_adds_its_evidence_with_words(client: Client) -> None:
    found = client.get("/api/dispositivi/ap-piazza").json()
    assert found["evidence"] == [
        {
            "code": "connection_lost",
            "severity": "problem",
            "value": None,
            "threshold": None,
            "since": ago(20).isoformat(),
            "text": "Connessione interrotta all'improvviso",
        }
    ]
    assert client.get("/api/dispositivi/totem-stazione").json()["evidence"] == []


def test_measurements_only_for_those_who_look_after_devices(client: Client) -> None:
    found = client.get("/api/dispositivi/ap-piazza").json()
    assert (found["metrics"], found["info"]) == ({}, {})
    technician(client)
    found = client.get("/api/dispositivi/ap-piazza").json()
    assert (found["metrics"], found["info"]) == ({"clients_24": 3}, {"fw": "1.2"})


def test_a_restricted_layer_hides_its_devices_everywhere(client: Client) -> None:
    restrict("totem", Access.INTERNAL)
    assert [one["devid"] for one in client.get("/api/dispositivi").json()["devices"]] == ["ap-piazza"]
    assert client.get("/api/dispositivi/totem-stazione").status_code == 404
    technician(client)
    assert len(client.get("/api/dispositivi").json()["devices"]) == 2
    assert client.get("/api/dispositivi/totem-stazione").status_code == 200


@pytest.mark.parametrize(("lifecycle", "shown"), [("planned", 0), ("removed", 0), ("installed", 1), ("suspended", 1)])
def test_what_is_not_there_is_not_shown(client: Client, lifecycle: str, shown: int) -> None:
    from geoportal.monitoring.models import Device

    Device.objects.filter(devid="ap-piazza").update(lifecycle=lifecycle)
    assert len(client.get("/api/dispositivi").json()["devices"]) == 1 + shown


@pytest.mark.parametrize("devid", ["unknown-one", "%27", "totem%20stazione", "a" * 500])
def test_an_unknown_device_is_a_clear_404(client: Client, devid: str) -> None:
    answer = client.get(f"/api/dispositivi/{devid}")
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_device")


def test_nothing_new_is_a_304(client: Client) -> None:
    first = client.get("/api/dispositivi")
    again = client.get("/api/dispositivi", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert "public" in first.headers["Cache-Control"]
    technician(client)
    assert "private" in client.get("/api/dispositivi").headers["Cache-Control"]


def test_the_whole_list_is_one_query(client: Client) -> None:
    client.get("/api/dispositivi")  # the catalogue is read once
    with CaptureQueriesContext(
        connection,
    ) as context:
        client.get("/api/dispositivi")
    statements = [entry["sql"] for entry in context if "layers_catalogueversion" not in entry["sql"]]
    assert len(statements) == 1


def test_only_reading(client: Client) -> None:
    assert client.post("/api/dispositivi").status_code == 405
