"""A real worker harvests what is due and looks after what fails, with nobody asking."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F

from layers.models import Job, Layer, Source, SourceState
from layers.sources import services
from tests.sources.conftest import Elsewhere
from tests.sources.test_harvest import CSV

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def worker(transactional_db: None, elsewhere: Elsewhere) -> Iterator[None]:
    environment = {
        **os.environ,
        "GEOPORTAL_DB_NAME": str(connection.settings_dict["NAME"]),
        "GEOPORTAL_SOURCE_HOSTS": f"127.0.0.1:{elsewhere.port}",
        "GEOPORTAL_SOURCE_NETWORKS": "127.0.0.0/8",
    }
    process = subprocess.Popen([sys.executable, str(settings.BASE_DIR / "manage.py"), "worker"], env=environment)
    yield
    process.terminate()
    process.wait(60)


def eventually(is_so: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def test_a_source_is_harvested_fails_and_comes_back_on_its_own(worker: None, elsewhere: Elsewhere) -> None:
    source = services.make(
        {"title": "Scuole", "slug": "scuole-altrui", "kind": "file", "address": f"{elsewhere.url}/dati.csv"}, ""
    )

    def health() -> str:
        return str(SourceState.objects.values_list("health", flat=True).get(source=source))

    eventually(lambda: health() == "failing", "nothing is there yet")
    assert not Layer.objects.filter(slug="scuole-altrui").exists()
    elsewhere.says("/dati.csv", CSV.encode())
    SourceState.objects.update(retry_at=F("since"))  # its pause is over
    eventually(lambda: health() == "ok", "it is tried again without being asked")
    assert Layer.objects.get(slug="scuole-altrui").feature_count == 2
    assert Source.objects.get(pk=source.pk).layer is not None
    assert Job.objects.filter(kind="source", state="done").exists()
