"""The supervisor on the real processes: what is killed comes back, stopping leaves nothing, data stays."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from geoportal.runtime.product import answers, listens
from tests.product import BASE, RunningProduct, clean_environment, eventually, running
from tests.services import ROOT


@pytest.fixture(scope="module")
def instance() -> Iterator[RunningProduct]:
    with running("supervised", "--without-sample") as started:
        yield started


def health(product: RunningProduct) -> dict[str, object]:
    with urllib.request.urlopen(f"{product.url}/healthz", timeout=10) as response:
        found: dict[str, object] = json.load(response)
    return found


def family(product: RunningProduct) -> list[psutil.Process]:
    assert product.process is not None
    return psutil.Process(product.process.pid).children(recursive=True)


def test_health_tells_of_ingest_and_stays_green_while_it_restarts(instance: RunningProduct) -> None:
    eventually(lambda: health(instance)["ingest"] == "listening", "ingest listens")
    instance.kill("ingest")
    found = health(instance)
    assert found["status"] == "ok"
    assert found["ingest"] in ("listening", "late")
    eventually(lambda: health(instance)["ingest"] == "listening", "ingest listens again")


@pytest.mark.parametrize("part", ["web", "heavy", "front", "broker", "postgres"])
def test_a_killed_part_comes_back_and_the_site_answers_again(instance: RunningProduct, part: str) -> None:
    instance.kill(part)
    eventually(lambda: answers(f"{instance.url}/"), "the site answers again")
    eventually(lambda: listens("127.0.0.1", instance.mqtt_port), "the broker listens again")
    assert f"{part} was ended by SIGKILL" in instance.output


def test_a_killed_web_worker_is_replaced(instance: RunningProduct) -> None:
    main = psutil.Process(instance.pid("web"))
    workers = [child for child in main.children() if "resource_tracker" not in " ".join(child.cmdline())]
    assert len(workers) >= 2
    workers[0].kill()
    eventually(lambda: len([child for child in main.children() if child.is_running()]) >= len(workers), "a new worker")
    eventually(lambda: answers(f"{instance.url}/"), "the site answers")


def test_secrets_are_for_the_owner_alone_and_stand_in_no_environment(instance: RunningProduct) -> None:
    for path in (instance.var / "secrets").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path
    secret = instance.places.secret("secret-key")
    environment = Path(f"/proc/{instance.pid('web')}/environ").read_text()
    assert secret not in environment


def test_a_second_run_of_the_same_folder_refuses_and_names_the_first(instance: RunningProduct) -> None:
    assert instance.process is not None
    result = run_once(instance.var, "--port", "1", "--mqtt-port", "2")
    assert result.returncode == 1
    assert f"in use by another `make run` (process {instance.process.pid})" in result.stderr
    assert health(instance)["status"] == "ok"


def test_a_taken_port_is_named_with_the_way_to_choose_another(instance: RunningProduct) -> None:
    var = ROOT / f"taken-{os.getpid()}"
    try:
        web = run_once(var, "--port", str(instance.port))
        broker = run_once(var, "--port", str(RunningProduct(var).port), "--mqtt-port", str(instance.mqtt_port))
    finally:
        shutil.rmtree(var)
    assert (web.returncode, broker.returncode) == (1, 1)
    assert f"Port {instance.port} on 127.0.0.1 cannot be used" in web.stderr
    assert f"make run PORT={instance.port + 1}" in web.stderr
    assert f"make run MQTT_PORT={instance.mqtt_port + 1}" in broker.stderr


def test_a_data_folder_that_is_not_there_is_refused_before_anything_starts() -> None:
    result = run_once(ROOT / "never-made", "--data", "/no/such/folder")
    assert result.returncode == 1
    assert "DATA=/no/such/folder: there is no such folder" in result.stderr
    assert not (ROOT / "never-made").exists()


def test_nothing_outlives_a_killed_supervisor_and_the_next_one_takes_over_what_a_power_loss_left(
    instance: RunningProduct,
) -> None:
    assert instance.process is not None
    passwords, children = instance.logins, family(instance)
    instance.manage("shell", "-c", "from geoportal.models import User; User.objects.create_user('kept')")
    lock = (instance.var / "postgresql" / "data" / "postmaster.pid").read_text().splitlines()
    instance.process.kill()
    instance.process.wait()
    _, left = psutil.wait_procs(children, timeout=60)
    assert [child.cmdline() for child in left if is_alive(child)] == []
    leave_behind(instance, lock)
    instance.start()
    assert health(instance)["status"] == "ok"
    assert instance.logins == passwords
    names = instance.manage("shell", "-v0", "-c", "from geoportal.models import User; print(User.objects.count())")
    assert int(names.stdout) == len(passwords) + 1


def leave_behind(instance: RunningProduct, lock: list[str]) -> None:
    """Files of a run that ended without a word; the number in one now belongs to a program that is no PostgreSQL."""
    data = instance.var / "postgresql" / "data"
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lock[1:]]) + "\n")
    shutil.chown(data / "postmaster.pid", data.owner(), data.group())
    (instance.var / "sockets" / "web.sock").touch()


def test_stopping_leaves_no_process(instance: RunningProduct) -> None:
    children = family(instance)
    assert instance.stop() == 0
    assert [child for child in children if is_alive(child)] == []
    assert not (instance.var / "postgresql" / "data" / "postmaster.pid").exists()


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def run_once(var: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A run that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "geoportal.runtime", "run", "--without-sample", *options],
        cwd=BASE,
        env=clean_environment() | {"GEOPORTAL_VAR": str(var)},
        capture_output=True,
        text=True,
        timeout=60,
    )
