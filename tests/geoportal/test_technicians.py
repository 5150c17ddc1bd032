"""The technicians' pages: who gets in, in which order devices stand, and how the filters work without JavaScript."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.gis.geos import Point
from django.test import Client
from django.utils.timezone import now

from geoportal.marks import MARKS
from geoportal.models import User
from geoportal.monitoring.models import DeviceStatus, Health
from geoportal.technicians.readings import readings
from geoportal.templatetags.geoportal_site import ago
from layers.models import Layer
from layers.rights import TECHNICIANS
from layers.styles.palette import contrast
from tests.geodata import forget_catalogue
from wifi.models import AccessPoint

STATES = [("ap-uno", Health.OK, 1), ("ap-due", Health.CRITICAL, 3), ("ap-tre", Health.CRITICAL, 2)]


@pytest.fixture
def fleet(db: None) -> None:
    Layer.objects.update_or_create(
        slug="punti-accesso-wifi",
        defaults={"title_it": "Wi-Fi", "table_name": "punti_accesso_wifi", "geometry_type": "POINT", "srid": 32632},
    )
    for devid, health, day in STATES:
        device = AccessPoint.objects.create(
            devid=devid, kind="ap", shard="00", name_it=f"Nome {devid}", geom=Point(580400, 4998000, srid=32632)
        )
        DeviceStatus.objects.update_or_create(
            device=device, defaults={"health": health, "metrics": {"temp_c": 41.5, "radio": {"clients": 7}}}
        )
        DeviceStatus.objects.filter(device=device).update(health_since=datetime(2026, 3, day, tzinfo=UTC))
    forget_catalogue()


@pytest.fixture
def technician(db: None, client: Client) -> Client:
    user = User.objects.create_user("tecnica", password="una-parola-lunga")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    return client


@pytest.mark.usefixtures("fleet")
def test_strangers_are_asked_to_log_in_and_others_are_refused(client: Client) -> None:
    assert client.get("/tecnici/").headers["Location"].startswith("/accedi/?next=/tecnici/")
    client.force_login(User.objects.create_user("altro", password="una-parola-lunga"))
    for path in ("/tecnici/", "/tecnici/ap-uno/"):
        response = client.get(path)
        assert response.status_code == 403 and "riservata" in response.content.decode()


@pytest.mark.usefixtures("fleet")
def test_the_worst_stand_first_then_those_worst_for_longest(technician: Client) -> None:
    page = technician.get("/tecnici/").content.decode()
    places = [page.index(f'data-devid="{devid}"') for devid in ("ap-tre", "ap-due", "ap-uno")]
    assert places == sorted(places)


@pytest.mark.usefixtures("fleet")
def test_filters_are_plain_links_and_forms(technician: Client) -> None:
    page = technician.get("/tecnici/", {"stato": "ok"}).content.decode()
    assert 'data-devid="ap-uno"' in page and 'data-devid="ap-due"' not in page and "1 di 3" in page
    page = technician.get("/tecnici/", {"testo": "NOME AP-D"}).content.decode()
    assert 'data-devid="ap-due"' in page and 'data-devid="ap-uno"' not in page


@pytest.mark.usefixtures("fleet")
def test_one_device_shows_its_readings_with_names_and_units(technician: Client) -> None:
    page = technician.get("/tecnici/ap-due/").content.decode()
    assert "Temperatura" in page and "41,5 °C" in page and "Utenti collegati" in page and "Guasto" in page
    assert technician.get("/tecnici/ap-ignoto/").status_code == 404


@pytest.mark.usefixtures("fleet")
def test_the_list_asks_the_database_the_same_for_three_devices_as_for_any(
    technician: Client, django_assert_max_num_queries
) -> None:
    technician.get("/tecnici/")
    with django_assert_max_num_queries(6):
        technician.get("/tecnici/")


def test_the_names_of_the_contract_are_told_in_words_and_with_their_units() -> None:
    told = {
        line.key: (line.name, line.value)
        for line in readings(
            {
                "cpu": 26,
                "rx_total": 5,
                "tx_total": 37_349_216_814,
                "store_free": 999.96,
                "uptime": 90_061,
                "door": False,
            }
        )
    }
    assert told == {
        "cpu": ("Processore", "26 %"),
        "rx_total": ("Traffico ricevuto", "5 B"),
        "tx_total": ("Traffico inviato", "37,3 GB"),
        "store_free": ("Spazio libero", "1,0 GB"),
        "uptime": ("Acceso da", "1 g 1 h 1 min"),
        "door": ("Sportello aperto", "no"),
    }


def test_readings_flatten_what_is_nested() -> None:
    keys = [line.key for line in readings({"radios": [{"tx_power_dbm": 17}], "net": {"rtt_ms": 4}, "x": None})]
    assert keys == ["radios.1.tx_power_dbm", "net.rtt_ms", "x"]


def test_what_began_just_now_has_lasted_less_than_a_minute() -> None:
    assert (ago(now()), ago(now() - timedelta(minutes=3))) == ("meno di un minuto", "3\xa0minuti")


def test_marks_differ_in_more_than_colour_and_can_be_seen() -> None:
    assert set(MARKS) == set(Health.values)
    assert len({mark.shape for mark in MARKS.values()}) == len({mark.sign for mark in MARKS.values()}) == len(MARKS)
    for mark in MARKS.values():
        assert contrast(mark.colour, "#ffffff") >= 4.5 and contrast(mark.colour, "#f6f4ef") >= 3
