"""Jobs are done once, survive their worker, can be called off, and never take the worker down."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import Error, connection

from layers.jobs import registry, services
from layers.jobs.forking import Forking
from layers.jobs.models import Job
from layers.jobs.registry import JobFailed, queue_planned
from layers.models import Layer

KINDS = """
import os, signal, time
from layers.jobs.registry import JobContext, JobFailed, Turn, kind

@kind("test-sleep", repeatable=True)
def sleep(job: JobContext) -> dict:
    for step in range(int(job.parameters["steps"])):
        job.progress(step)
        time.sleep(0.05)
    return {"steps": step + 1}

@kind("test-once", repeatable=False)
def once(job: JobContext) -> dict:
    return sleep(job)

@kind("test-awaited", repeatable=True, turn=Turn.AWAITED)
def awaited(job: JobContext) -> dict:
    return {}

@kind("test-reading", repeatable=True)
def reading(job: JobContext) -> dict:
    from layers.importing.reader.client import Reader
    with Reader() as reader:
        job.log(f"reader={reader._pid} nursery={os.getppid()}")
        return sleep(job)

@kind("test-deaf", repeatable=True)
def deaf(job: JobContext) -> dict:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    job.progress(1)
    time.sleep(60)
    return {}

@kind("test-crash", repeatable=True, max_attempts=2)
def crash(job: JobContext) -> dict:
    os.kill(os.getpid(), signal.SIGSEGV)
    return {}

@kind("test-memory", repeatable=True, memory_bytes=1 << 30)
def memory(job: JobContext) -> dict:
    return {"size": len(bytearray(4 << 30))}
"""

pytestmark = pytest.mark.django_db(transaction=True)
StartWorker = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def start_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartWorker]:
    """Real worker processes on the test's database, with the kinds above."""
    (tmp_path / "job_kinds_for_tests.py").write_text(KINDS)
    (tmp_path / "settings_for_tests.py").write_text(
        "from geoportal.settings import *\nJOB_KIND_MODULES = ['job_kinds_for_tests']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(settings, "JOB_KIND_MODULES", ["job_kinds_for_tests"], raising=False)
    sys.modules.pop("job_kinds_for_tests", None)
    from layers.jobs.registry import _KINDS

    for name in [name for name in _KINDS if name.startswith("test-")]:
        del _KINDS[name]
    environment = {
        **os.environ,
        "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"]),
        "DJANGO_SETTINGS_MODULE": "settings_for_tests",
        "PYTHONPATH": f"{tmp_path}:{settings.BASE_DIR}",
    }
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        started.append(
            subprocess.Popen([sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"], env=environment)
        )
        return started[-1]

    yield start
    for process in started:
        process.terminate()
        process.wait(60)


def come(seen: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < end, f"after {seconds} s there is not yet {what}"
        time.sleep(0.05)


def settled(job: Job, *states: Job.State) -> Job:
    """The job once it is in one of the states (by default: over)."""

    def is_settled() -> bool:
        job.refresh_from_db()
        return job.state in states or (not states and job.is_over)

    come(is_settled, f"a state of {states or 'the end'}")
    return job


def told(job: Job, pattern: str) -> tuple[str, ...]:
    """The groups of a pattern, once the job's log holds it."""

    def found() -> re.Match[str] | None:
        job.refresh_from_db()
        return re.search(pattern, job.log)

    come(found, f"{pattern} in the log")
    match = found()
    assert match is not None
    return match.groups()


def test_a_job_is_done_and_its_result_kept(start_worker: StartWorker) -> None:
    start_worker()
    job = settled(services.enqueue("test-sleep", {"steps": 3}))
    assert (job.state, job.progress, job.result) == (Job.State.DONE, 100, {"steps": 3})


def test_an_unknown_kind_is_refused_by_name(start_worker: StartWorker) -> None:
    with pytest.raises(JobFailed, match="'nonsense'"):
        services.enqueue("nonsense", {})


def test_two_workers_never_take_the_same_job(start_worker: StartWorker) -> None:
    jobs = [services.enqueue("test-sleep", {"steps": 1}) for _number in range(4)]
    start_worker()
    start_worker()
    assert [settled(job).attempts for job in jobs] == [1, 1, 1, 1]


def test_a_crash_fails_the_job_and_the_worker_goes_on(start_worker: StartWorker) -> None:
    worker = start_worker()
    crashed = settled(services.enqueue("test-crash", {}))
    assert (crashed.state, crashed.attempts) == (Job.State.FAILED, 2)
    greedy = settled(services.enqueue("test-memory", {}))
    assert greedy.state == Job.State.FAILED
    assert settled(services.enqueue("test-sleep", {"steps": 1})).state == Job.State.DONE
    assert worker.poll() is None


@pytest.mark.parametrize(("kind", "state"), [("test-sleep", Job.State.DONE), ("test-once", Job.State.FAILED)])
def test_the_job_of_a_killed_worker_is_started_again_or_failed_as_its_kind_says(start_worker, kind, state) -> None:
    worker = start_worker()
    job = services.enqueue(kind, {"steps": 60})
    settled(job, Job.State.RUNNING)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    start_worker()
    assert settled(job, Job.State.DONE, Job.State.FAILED).state == state


def test_a_worker_that_is_told_to_stop_gives_its_job_back(start_worker: StartWorker) -> None:
    worker = start_worker()
    job = services.enqueue("test-once", {"steps": 400})
    settled(job, Job.State.RUNNING)
    worker.terminate()
    assert worker.wait(60) == 0
    job.refresh_from_db()
    assert job.state == Job.State.FAILED  # not repeatable: it must not run twice
    again = services.enqueue("test-sleep", {"steps": 400})
    worker = start_worker()
    settled(again, Job.State.RUNNING)
    worker.terminate()
    assert worker.wait(60) == 0
    again.refresh_from_db()
    assert (again.state, again.attempts) == (Job.State.QUEUED, 0)


@pytest.mark.parametrize("kind", ["test-sleep", "test-deaf"])
def test_a_running_job_can_be_called_off_even_when_it_does_not_listen(start_worker: StartWorker, kind: str) -> None:
    start_worker()
    job = services.enqueue(kind, {"steps": 2000})
    settled(job, Job.State.RUNNING)
    services.cancel(job)
    assert settled(job).state == Job.State.CANCELLED


def test_what_somebody_waits_for_does_not_wait_behind_a_running_job(start_worker: StartWorker) -> None:
    start_worker()
    long = services.enqueue("test-sleep", {"steps": 2000})
    settled(long, Job.State.RUNNING)
    after = services.enqueue("test-sleep", {"steps": 1})
    assert settled(services.enqueue("test-awaited", {})).state == Job.State.DONE
    long.refresh_from_db()
    after.refresh_from_db()
    assert (long.state, after.state) == (Job.State.RUNNING, Job.State.QUEUED)
    services.cancel(long)
    assert settled(after).state == Job.State.DONE


def test_waiting_jobs_are_taken_by_their_kinds_turn_and_then_by_age(start_worker: StartWorker) -> None:
    Job.objects.all().delete()  # a new database asks for the search index
    housekeeping = services.enqueue("statistics", {"slugs": []})
    normal = services.enqueue("test-sleep", {"steps": 1})
    awaited = services.enqueue("test-awaited", {})
    old = services.enqueue("statistics", {"slugs": []})
    Job.objects.filter(pk=old.pk).update(created_at=old.created_at - timedelta(minutes=21))
    taken = [claimed.id for _ in range(4) if (claimed := services.claim("1"))]
    assert taken == [old.pk, awaited.pk, normal.pk, housekeeping.pk]


def test_a_job_that_is_cut_off_leaves_no_reader_behind_and_the_worker_goes_on(start_worker: StartWorker) -> None:
    worker = start_worker()
    job = services.enqueue("test-reading", {"steps": 2000})
    reader, nursery = (int(number) for number in told(job, r"reader=(\d+) nursery=(\d+)"))
    os.kill(nursery, signal.SIGKILL)
    told(job, rf"nursery={nursery}\b[^$]*nursery=(\d+)")
    come(lambda: not Path(f"/proc/{reader}").exists(), "the reader's end")
    assert (job.attempts, worker.poll()) == (2, None)
    services.cancel(job)
    assert settled(job).state == Job.State.CANCELLED


def test_a_waiting_job_is_called_off_at_once(start_worker: StartWorker) -> None:
    job = services.enqueue("test-sleep", {"steps": 1})
    services.cancel(job)
    assert job.state == Job.State.CANCELLED


def ask_too_much() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT now() - make_interval(days => 2147483647)")


def test_a_plan_that_the_database_refuses_keeps_nobody_from_working(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queued: list[str] = []
    monkeypatch.setattr(registry, "_PLANS", [ask_too_much, lambda: queued.append("the next")])
    queue_planned()
    assert queued == ["the next"]
    assert "ask_too_much plans could not be queued" in caplog.text


def test_a_lost_connection_is_told_from_a_plan_that_is_refused(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection.ensure_connection()
    connection.connection.close()
    monkeypatch.setattr(registry, "_PLANS", [ask_too_much])
    with pytest.raises(Error):
        queue_planned()
    connection.close()


def test_a_file_is_imported_by_the_worker(start_worker: StartWorker, tmp_path: Path) -> None:
    path = tmp_path / "panchine.csv"
    path.write_text("nome;lat;lon\nuna;45,13;10,02\ndue;45,14;10,03\n", encoding="utf-8")
    start_worker()
    job = settled(services.enqueue("import", {"path": str(path), "slug": "panchine"}))
    assert (job.state, Layer.objects.get(slug="panchine").feature_count) == (Job.State.DONE, 2)
    bad = tmp_path / "rotto.geojson"
    bad.write_text("{")
    failed = settled(services.enqueue("import", {"path": str(bad)}))
    assert failed.state == Job.State.FAILED
    assert "JSON" in failed.message
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO geodata.panchine (nome) VALUES ('tre')")
    refreshed = settled(services.enqueue("statistics", {"slugs": ["panchine"]}))
    assert refreshed.result["features"] == {"panchine": 3}


def test_a_job_that_gets_no_process_leaves_the_others_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr("layers.importing.reader.client.prepare", lambda: None)
    monkeypatch.setattr("os.fork", refuse)
    worker, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    job = str(uuid4())
    worker.sendall(json.dumps({"job": job}).encode())
    worker.shutdown(socket.SHUT_WR)
    with worker, theirs:
        Forking(theirs).serve()
        assert json.loads(worker.recv(4096)) == {"job": job, "code": 1}
