"""OGC API EDR 1.1: measures of devices by place, position and area, in time; rights of parameters; hostile input."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.gis.geos import Point
from django.db import connection
from django.test import Client
from pyproj import Transformer

from geoportal.models import User
from geoportal.monitoring.models import DeviceStatus
from geoportal.monitoring.rollups import roll_up
from layers import observations
from layers.models import Access, Layer
from layers.rights import TECHNICIANS
from tests.geodata import forget_catalogue
from wifi.models import AccessPoint

HERE = "/ogc/collections/punti-accesso-wifi"
TO_32632 = Transformer.from_crs(4326, 32632, always_xy=True)
START = datetime(2026, 3, 1, 8, tzinfo=UTC)
PLACES = {"ap-uno": (10.02, 45.13), "ap-due": (10.03, 45.14)}
DAY = {"datetime": "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"}


@pytest.fixture(autouse=True)
def measured(db: None) -> Iterator[None]:
    """Two access points with four samples each; the third has a broken clock, the fourth no clients."""
    Layer.objects.filter(slug="punti-accesso-wifi").update(access=Access.PUBLIC, is_published=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT telemetry_ensure_day('wifi_telemetry', %s::date)", [START.date()])
        for devid, (x, y) in PLACES.items():
            device = AccessPoint.objects.create(
                devid=devid,
                kind="ap",
                shard="00",
                name_it=devid,
                geom=Point(*TO_32632.transform(x, y), srid=32632),
            )
            DeviceStatus.objects.get_or_create(device=device)
            for at in range(4):
                cursor.execute(
                    "INSERT INTO wifi_telemetry (device_id, ts, boot, seq, rx_at, hist, clock_bad, cpu, clients_24) "
                    "VALUES (%s, %s, '00000000-0000-0000-0000-000000000001', %s, now(), false, %s, 50, %s)",
                    [device.pk, START + timedelta(minutes=at), at, at == 2, None if at == 3 else 10 + at],
                )
    forget_catalogue()
    yield
    forget_catalogue()


def asked(client: Client, query: str, **params: str) -> Any:
    answer = client.get(f"{HERE}/{query}", {**DAY, **params})
    assert answer.status_code == 200, (answer.status_code, answer.content)
    return json.loads(answer.content)


def test_the_collection_tells_its_queries_and_parameters(client: Client) -> None:
    found = client.get(HERE, {"f": "json"}).json()
    assert set(found["data_queries"]) == {"position", "area", "locations"}
    assert list(found["parameter_names"]) == ["clients_24", "clients_5"]
    definition = json.loads(client.get("/ogc/openapi").content)
    described = [path.rsplit("/", 1)[1] for path in definition["paths"] if path.startswith(HERE.removeprefix("/ogc"))]
    assert {"position", "area", "locations", "{locId}"} <= set(described)
    assert found["parameter_names"]["clients_24"]["unit"]["symbol"]["value"] == "1"


def test_an_area_of_digits_alone_is_refused_at_once(client: Client) -> None:
    # One digit more doubled the time of a pattern that could split them in two ways.
    assert client.get(f"{HERE}/area", {"coords": "POLYGON((" + "1" * 5000}).status_code == 400
    assert client.get(f"{HERE}/area", {"coords": "POLYGON((" + "1" * 5000 + "))"}).status_code == 400


def test_what_is_no_time_is_refused_where_time_means_nothing(client: Client) -> None:
    for path in ("map", "tiles/WebMercatorQuad/12/1471/2161"):
        assert client.get(f"{HERE}/{path}", {"datetime": "ieri"}).status_code == 400, path


def test_locations_are_the_devices(client: Client) -> None:
    found = client.get(f"{HERE}/locations").json()
    places = {one["id"]: one["geometry"]["coordinates"] for one in found["features"]}
    assert places == {id: pytest.approx(place, abs=1e-6) for id, place in PLACES.items()}


def test_a_location_gives_its_series_without_doubtful_times(client: Client) -> None:
    found = asked(client, "locations/ap-uno")
    assert found["domain"]["domainType"] == "PointSeries"
    assert found["domain"]["axes"]["t"]["values"] == [
        "2026-03-01T08:00:00.000Z", "2026-03-01T08:01:00.000Z", "2026-03-01T08:03:00.000Z",
    ]  # fmt: skip
    assert found["ranges"]["clients_24"]["values"] == [10, 11, None]
    assert set(found["parameters"]) == set(found["ranges"]) == {"clients_24", "clients_5"}


def test_a_position_is_answered_by_the_nearest_device_that_is_near(client: Client) -> None:
    found = asked(client, "position", coords="POINT(10.0301 45.1401)")
    assert found["id"] == "ap-due"
    assert client.get(f"{HERE}/position", {**DAY, "coords": "POINT(10.5 45.5)"}).status_code == 204


def test_an_area_gives_every_device_in_it(client: Client) -> None:
    wide = "POLYGON((10 45.1,10.1 45.1,10.1 45.2,10 45.2,10 45.1))"
    found = asked(client, "area", coords=wide)
    assert [one["id"] for one in found["coverages"]] == ["ap-due", "ap-uno"]
    narrow = "POLYGON((10.025 45.1,10.1 45.1,10.1 45.2,10.025 45.2,10.025 45.1))"
    assert asked(client, "area", coords=narrow)["id"] == "ap-due"


def test_geojson_and_one_parameter(client: Client) -> None:
    params = {"f": "GeoJSON", "parameter-name": "clients_24"}
    (feature,) = asked(client, "locations/ap-uno", **params)["features"]
    assert feature["properties"]["clients_24"] == [10, 11, None] and "clients_5" not in feature["properties"]


def test_time_bounds_what_is_given(client: Client) -> None:
    found = asked(client, "locations/ap-uno", datetime="2026-03-01T08:01:00Z/..")
    assert found["ranges"]["clients_24"]["values"] == [11, None]
    assert client.get(f"{HERE}/locations/ap-uno").status_code == 204  # the last day has none


def test_too_many_samples_are_given_as_means(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "ROWS_MAX", 2)
    assert client.get(f"{HERE}/locations/ap-uno", DAY).status_code == 400, "nothing is rolled up yet"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_dirty "
            "SELECT DISTINCT device_id, date_bin('5 minutes', ts, 'epoch') FROM wifi_telemetry"
        )
    roll_up(START + timedelta(hours=3))
    found = asked(client, "locations/ap-uno")
    assert found["domain"]["axes"]["t"]["values"] == ["2026-03-01T08:00:00.000Z"]
    assert found["ranges"]["clients_24"]["values"] == [11]
    monkeypatch.setattr(observations, "ROWS_MAX", 0)
    assert client.get(f"{HERE}/locations/ap-uno", DAY).status_code == 400


def test_diagnostics_are_for_insiders(client: Client) -> None:
    assert client.get(f"{HERE}/locations/ap-uno", {**DAY, "parameter-name": "cpu"}).status_code == 400
    user = User.objects.create_user("tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    assert asked(client, "locations/ap-uno", **{"parameter-name": "cpu"})["ranges"]["cpu"]["values"] == [50, 50, 50]


def test_measures_are_as_secret_as_their_layer(client: Client) -> None:
    Layer.objects.filter(slug="punti-accesso-wifi").update(access=Access.INTERNAL)
    forget_catalogue()
    for query in ("locations", "locations/ap-uno", "position?coords=POINT(10.02 45.13)"):
        assert client.get(f"{HERE}/{query}").status_code == 404


@pytest.mark.parametrize(("query", "params"), [
    ("position", {}), ("position", {"coords": "POINT(10 95)"}), ("position", {"coords": "POINT(10 45); DROP TABLE x"}),
    ("area", {"coords": "POLYGON((10 45,11 45))"}), ("area", {"coords": "SRID=4326;POLYGON((1 1,2 2,3 1,1 1))"}),
    ("area", {"coords": "GEOMETRYCOLLECTION(POINT(1 1))"}), ("locations/ap-uno", {"datetime": "ieri"}),
    ("locations/ap-uno", {"parameter-name": "device_id"}), ("locations/ap-uno", {"crs": "EPSG:3857"}),
    ("locations", {"x": "1"}),
])  # fmt: skip
def test_what_is_not_a_question_is_refused(client: Client, query: str, params: Any) -> None:
    assert client.get(f"{HERE}/{query}", params).status_code == 400
