"""OGC API Processes 1.0: descriptions, execution, jobs, rights, and what hostile callers send."""

import json
import math
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client

from geoportal.models import User
from layers.jobs import services
from layers.jobs.models import Job
from layers.rights import PROFESSIONALS
from tests.geodata import forget_catalogue, make_layer

ZONES = """
INSERT INTO {table} (geom, sigla) VALUES
    (ST_MakeEnvelope(579000, 4998000, 580006, 5002000, 32632), 'A'),
    (ST_MakeEnvelope(580006, 4998000, 580500, 5002000, 32632), 'B')
"""


@pytest.fixture
def zoned(city: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """The city with two zones: their border halves the first building of each row, and leaves some uncovered."""
    city.zones = make_layer("zone", "POLYGON", 32632, {"sigla": "string"}, ZONES)
    yield city
    forget_catalogue()


@pytest.fixture
def member(db: None) -> User:
    user = User.objects.create_user("geometra", password="x" * 20)
    user.groups.add(Group.objects.get_or_create(name=PROFESSIONALS)[0])
    return user


def run(client: Client, process: str, inputs: Any, **more: Any) -> Any:
    headers = {"Prefer": more.pop("prefer")} if "prefer" in more else {}
    body = json.dumps({"inputs": inputs, **more})
    return client.post(f"/ogc/processes/{process}/execution", body, content_type="application/json", headers=headers)


def work(job_id: str) -> None:
    """What a worker does with a job, in this process."""
    Job.objects.exclude(kind="process").delete()  # what other parts queue has workers of its own
    claimed = services.claim("1")
    assert claimed is not None and str(claimed.id) == job_id
    job = Job.objects.get(pk=claimed.id)
    from layers.jobs.registry import JobFailed, kinds

    class Here:
        parameters, user_id = job.parameters, job.user_id

        def progress(self, percent: int, message: str = "") -> None: ...
        def log(self, text: str) -> None: ...

    try:
        made = kinds()[job.kind].handler(Here())
    except JobFailed as error:
        services.finish("1", job.pk, Job.State.FAILED, str(error))
    else:
        services.finish("1", job.pk, Job.State.DONE, "", made)


def test_processes_are_listed_and_described(client: Client, city: SimpleNamespace) -> None:
    listed = client.get("/ogc/processes").json()
    known = ["buffer", "clip", "intersect-areas", "nearest", "related", "echo"]
    assert [one["id"] for one in listed["processes"]] == known
    assert len(client.get("/ogc/processes?limit=2").json()["processes"]) == 2
    described = client.get("/ogc/processes/buffer").json()
    assert described["jobControlOptions"] == ["sync-execute", "async-execute", "dismiss"]
    assert described["inputs"]["distance"]["minOccurs"] == 1 and described["inputs"]["filter"]["minOccurs"] == 0
    assert any(link["rel"].endswith("/execute") for link in described["links"])


def test_an_unknown_process_is_named_as_the_standard_says(client: Client, city: SimpleNamespace) -> None:
    for answer in (client.get("/ogc/processes/evil"), run(client, "evil", {})):
        assert answer.status_code == 404
        assert answer.json()["type"].endswith("/no-such-process")


def test_echo_gives_the_message_back_raw_and_as_a_document(client: Client, db: None) -> None:
    assert run(client, "echo", {"message": "è «così»"}).json() == "è «così»"
    assert run(client, "echo", {"message": {"value": "a"}}, response="document").json() == {"message": "a"}


def test_a_buffer_has_the_area_geometry_says(client: Client, city: SimpleNamespace) -> None:
    inputs = {"layer": "edifici", "ids": [1], "distance": 10, "segments": 32}
    (feature,) = run(client, "buffer", inputs).json()["features"]
    assert feature["id"] == 1 and feature["properties"]["piani"] == 1 and "note" not in feature["properties"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_Area(ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(%s), 4326), 32632))",
            [json.dumps(feature["geometry"])],
        )
        (area,) = cursor.fetchone()
    assert area == pytest.approx(12 * 9 + 2 * (12 + 9) * 10 + math.pi * 100, rel=1e-3)


def test_buffers_become_one_when_asked(client: Client, city: SimpleNamespace) -> None:
    inputs = {"layer": "edifici", "filter": "piani = 3", "distance": 500, "dissolve": True}
    assert [one["geometry"]["type"] for one in run(client, "buffer", inputs).json()["features"]] == ["Polygon"]


def test_a_clip_leaves_what_lies_inside(client: Client, zoned: SimpleNamespace) -> None:
    inputs = {"layer": "edifici", "ids": [1, 2], "mask_layer": "zone", "mask_filter": "sigla = 'A'"}
    (feature,) = run(client, "clip", inputs).json()["features"]
    assert feature["id"] == 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT ST_Area(ST_Transform(ST_SetSRID(ST_GeomFromGeoJSON(%s), 4326), 32632))",
            [json.dumps(feature["geometry"])],
        )
        assert cursor.fetchone()[0] == pytest.approx(6 * 9, abs=0.01)


def test_a_clip_by_a_drawn_area_keeps_whole_points(client: Client, city: SimpleNamespace) -> None:
    west, south, east, north = city.numbers.bbox
    middle = (west + east) / 2
    ring = [[west, south], [middle, south], [middle, north], [west, north], [west, south]]
    inside = run(client, "clip", {"layer": "civici", "area": {"type": "Polygon", "coordinates": [ring]}}).json()
    assert 0 < len(inside["features"]) < 237
    assert all(one["geometry"]["coordinates"][0] <= middle + 1e-6 for one in inside["features"])


def test_shares_of_areas_add_up_to_a_hundred(client: Client, zoned: SimpleNamespace) -> None:
    table = run(client, "intersect-areas", {"layer": "edifici", "with_layer": "zone"}).json()
    assert table["crs"].endswith("/32632") and len(table["rows"]) == 500
    for row in table["rows"]:
        assert round(sum(part["percent"] for part in row["parts"]) + row["uncovered_percent"], 2) == 100
        assert sum(part["area_m2"] for part in row["parts"]) + row["uncovered_m2"] == pytest.approx(108, abs=0.01)
    first = table["rows"][0]
    assert [(part["properties"]["sigla"], part["percent"]) for part in first["parts"]] == [("A", 50.0), ("B", 50.0)]
    assert table["rows"][13]["uncovered_percent"] == 100


def test_overlapping_zones_are_told_apart_from_what_they_cover(client: Client, zoned: SimpleNamespace) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO geodata.zone (geom, sigla) "
            "VALUES (ST_MakeEnvelope(579000, 4998000, 580003, 5002000, 32632), 'C')"
        )
    forget_catalogue()
    inputs = {"layer": "edifici", "ids": ["1"], "with_layer": "zone"}
    (row,) = run(client, "intersect-areas", inputs).json()["rows"]
    assert row["overlap_m2"] == 27 and row["uncovered_percent"] == 0
    assert {part["properties"]["sigla"]: part["percent"] for part in row["parts"]} == {"A": 50, "B": 50, "C": 25}


def test_pieces_come_as_another_output_when_asked(client: Client, zoned: SimpleNamespace) -> None:
    inputs = {"layer": "edifici", "ids": [1], "with_layer": "zone"}
    both = run(client, "intersect-areas", inputs, outputs={"table": {}, "pieces": {}}, response="document").json()
    assert [one["properties"]["percent"] for one in both["pieces"]["features"]] == [50, 50]
    parts = run(client, "intersect-areas", inputs, outputs={"table": {}, "pieces": {}})
    assert parts["Content-Type"].startswith("multipart/related") and b"Content-ID: <pieces>" in parts.content


def test_the_nearest_come_in_order_with_metres(client: Client, city: SimpleNamespace) -> None:
    inputs = {"layer": "civici", "from_layer": "edifici", "from_ids": [7], "count": 5}
    found = run(client, "nearest", inputs).json()["features"]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.fid, ST_Distance(c.geom, e.geom) FROM geodata.civici c, geodata.edifici e WHERE e.fid = 7 "
            "ORDER BY 2, 1 LIMIT 5"
        )
        expected = [(fid, pytest.approx(distance, abs=0.001)) for fid, distance in cursor.fetchall()]
    assert [(one["id"], one["properties"]["distance_m"]) for one in found] == expected
    assert {one["properties"]["from"] for one in found} == {7}


def test_a_greatest_distance_bounds_the_nearest(client: Client, city: SimpleNamespace) -> None:
    inputs = {"layer": "civici", "point": [9.0, 45.0], "max_distance": 1000}
    assert run(client, "nearest", inputs).json()["features"] == []


def test_a_job_is_followed_and_fetched(client: Client, city: SimpleNamespace) -> None:
    answer = run(client, "echo", {"message": "ciao"}, prefer="respond-async", response="document")
    assert answer.status_code == 201 and answer["Preference-Applied"] == "respond-async"
    status = answer.json()
    assert status["status"] == "accepted" and answer["Location"].endswith(f"/ogc/jobs/{status['jobID']}")
    here = f"/ogc/jobs/{status['jobID']}"
    early = client.get(f"{here}/results")
    assert early.status_code == 404 and early.json()["type"].endswith("/result-not-ready")
    work(status["jobID"])
    done = client.get(here).json()
    assert done["status"] == "successful" and done["progress"] == 100
    assert client.get(f"{here}/results").json() == {"message": "ciao"}


def test_a_failed_job_says_why(client: Client, city: SimpleNamespace) -> None:
    status = run(client, "buffer", {"layer": "nulla", "distance": 1}, prefer="respond-async").json()
    work(status["jobID"])
    answer = client.get(f"/ogc/jobs/{status['jobID']}/results")
    assert answer.status_code == 500 and "nulla" in answer.json()["detail"]


def test_jobs_are_listed_to_their_asker_alone(client: Client, city: SimpleNamespace, member: User) -> None:
    anonymous = run(client, "echo", {"message": "a"}, prefer="respond-async").json()["jobID"]
    assert client.get("/ogc/jobs").json()["jobs"] == []
    assert client.get(f"/ogc/jobs/{anonymous}").status_code == 200
    owner = Client()
    owner.force_login(member)
    mine = run(owner, "echo", {"message": "b"}, prefer="respond-async").json()["jobID"]
    assert [one["jobID"] for one in owner.get("/ogc/jobs").json()["jobs"]] == [mine]
    assert client.get(f"/ogc/jobs/{mine}").status_code == 404
    assert client.delete(f"/ogc/jobs/{mine}").status_code == 404
    assert owner.get("/ogc/jobs?status=successful").json()["jobs"] == []
    assert len(owner.get("/ogc/jobs?status=accepted,running&processID=echo&type=process").json()["jobs"]) == 1
    assert owner.get("/ogc/jobs?status=weird").status_code == 400
    member.delete()
    assert client.get(f"/ogc/jobs/{mine}").status_code == 404


def test_job_lists_are_paged(client: Client, city: SimpleNamespace, member: User) -> None:
    client.force_login(member)
    for message in "abc":
        run(client, "echo", {"message": message}, prefer="respond-async")
    page = client.get("/ogc/jobs?limit=2").json()
    (following,) = [link["href"] for link in page["links"] if link["rel"] == "next"]
    rest = client.get(following).json()["jobs"]
    assert len(page["jobs"]) == 2 and len(rest) == 1


def test_a_job_is_dismissed_once(client: Client, city: SimpleNamespace) -> None:
    id = run(client, "echo", {"message": "a"}, prefer="respond-async").json()["jobID"]
    assert client.delete(f"/ogc/jobs/{id}").json()["status"] == "dismissed"
    assert client.get(f"/ogc/jobs/{id}").json()["status"] == "dismissed"
    assert client.delete(f"/ogc/jobs/{id}").status_code == 410
    done = run(client, "echo", {"message": "a"}, prefer="respond-async").json()["jobID"]
    work(done)
    assert client.delete(f"/ogc/jobs/{done}").json()["status"] == "dismissed"
    assert client.get(f"/ogc/jobs/{done}").status_code == 404


def test_rights_hold_for_inputs_filters_and_results(client: Client, city: SimpleNamespace, member: User) -> None:
    inputs = {"layer": "vincoli", "distance": 1, "ids": [1]}
    assert run(client, "buffer", inputs).status_code == 404
    hidden = run(client, "buffer", {"layer": "edifici", "distance": 1, "filter": "note LIKE 'ris%'"})
    assert hidden.status_code == 400 and "note" in hidden.json()["description"]
    client.force_login(member)
    assert len(run(client, "buffer", inputs).json()["features"]) == 1


def test_a_right_lost_before_the_job_runs_is_lost(client: Client, city: SimpleNamespace, member: User) -> None:
    client.force_login(member)
    status = run(client, "buffer", {"layer": "vincoli", "distance": 1}, prefer="respond-async").json()
    member.groups.clear()
    work(status["jobID"])
    assert client.get(f"/ogc/jobs/{status['jobID']}").json()["status"] == "failed"


def test_a_right_lost_after_the_job_has_run_is_lost_for_its_results(
    client: Client, city: SimpleNamespace, member: User
) -> None:
    client.force_login(member)
    inputs = {"layer": "vincoli", "distance": 1, "ids": [1]}
    here = f"/ogc/jobs/{run(client, 'buffer', inputs, prefer='respond-async').json()['jobID']}"
    work(here.rsplit("/", 1)[1])
    assert len(client.get(f"{here}/results").json()["features"]) == 1
    member.groups.clear()
    assert client.get(f"{here}/results").status_code == 404


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"layer": "edifici"}, "distance"),
        ({"layer": "edifici", "distance": "10"}, "distance"),
        ({"layer": "edifici", "distance": 1e9}, "maximum"),
        ({"layer": "edifici", "distance": 1, "table": "auth_user"}, "table"),
        ({"layer": {"href": "http://169.254.169.254/"}, "distance": 1}, "href"),
        ({"layer": "edifici", "distance": 1, "filter": {"href": "file:///etc/passwd"}}, "href"),
        ({"layer": "edifici", "distance": 1, "filter": "piani = 1; DROP TABLE x"}, "filter"),
        ({"layer": "edifici", "distance": 1, "ids": ["1' OR '1'='1"]}, "invalid input syntax"),
        ({"layer": "edifici", "distance": 1, "filter": "a\x00b"}, "NUL"),
        ({"layer": "edifici", "distance": 1, "filter": "(" * 3000}, ""),
        ({"layer": "edifici", "distance": 1, "bbox": [1, 2, 3]}, "bbox"),
    ],
)
def test_hostile_or_wrong_inputs_are_refused_with_reasons(
    client: Client, city: SimpleNamespace, inputs: Any, says: str
) -> None:
    answer = run(client, "buffer", inputs)
    assert answer.status_code == 400 and says in answer.json()["description"]


def test_deep_and_foreign_bodies_are_refused(client: Client, city: SimpleNamespace) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    assert (
        run(client, "clip", {"layer": "edifici", "area": {"type": "Polygon", "coordinates": deep}}).status_code == 400
    )
    here = "/ogc/processes/echo/execution"
    assert client.post(here, "[" * 100_000, content_type="application/json").status_code == 400
    assert client.post(here, '{"inputs": {"message": NaN}}', content_type="application/json").status_code == 400
    assert client.post(here, "inputs=1", content_type="application/x-www-form-urlencoded").status_code == 415
    too_much = client.post(here, b" " * (2 * 2**20 + 1), content_type="application/json")
    assert too_much.status_code == 413
    assert too_much.json()["description"] == "A request has 2097152 bytes at most; this one has 2097153."
    assert client.get(here).status_code == 405
    assert run(client, "echo", {"message": "a"}, subscriber={"successUri": "http://127.0.0.1/"}).status_code == 400
    assert (
        run(client, "echo", {"message": "a"}, outputs={"message": {"transmissionMode": "reference"}}).status_code == 400
    )


def test_too_many_features_are_refused_before_they_are_computed(
    client: Client, city: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from layers.processes import registry
    from layers.processes.model import Limits

    monkeypatch.setattr(registry, "WAITED_FOR", {True: Limits(100, 5, 10_000), False: Limits(100, 5, 10_000)})
    many = run(client, "buffer", {"layer": "edifici", "distance": 1})
    assert many.status_code == 400 and "more than 100 features" in many.json()["description"]
    large = run(client, "buffer", {"layer": "edifici", "distance": 1, "filter": "piani = 1", "segments": 32})
    assert large.status_code == 400 and "larger" in large.json()["description"]


def test_the_queue_of_anonymous_jobs_is_bounded(client: Client, city: SimpleNamespace) -> None:
    answers = [run(client, "echo", {"message": "a"}, prefer="respond-async").status_code for _ in range(21)]
    assert answers == [201] * 20 + [503]
