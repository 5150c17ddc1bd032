"""One broker, one ingest and the sample devices for all scenarios; each finds the state empty."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from pytest_django import DjangoDbBlocker

from geoportal.management.commands.simulate import sample_sites
from geoportal.messaging.ingest.worker import Worker
from geoportal.monitoring.alerts.models import AlertChannel, AlertRule
from geoportal.monitoring.models import Device
from geoportal.simulator.metrics import Site
from tests.broker import TestBroker
from tests.scenarios.world import new_worker

_STATE = (
    "monitoring_alertdelivery", "monitoring_alerttransition", "monitoring_alert", "monitoring_stateinterval",
    "monitoring_shardwatch", "monitoring_deadletter", "wifi_telemetry", "kiosks_telemetry", "device_event",
    "ingest_ack", "ingest_heartbeat",
)  # fmt: skip


@pytest.fixture
def _django_db_helper(folder: Path) -> None:
    """Instead of pytest-django's, which would empty all tables of the product after each scenario."""


@pytest.fixture(scope="module")
def folder(
    tmp_path_factory: pytest.TempPathFactory,
    broker: TestBroker,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Path]:
    """The sample devices' configurations; the devices are enrolled and out of service."""
    made: Path = tmp_path_factory.mktemp("scenarios")
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "VAR_DIR", made)
        _forget()
        AlertRule.objects.all().delete()
        for fields in import_module("geoportal.monitoring.migrations.0008_first_alert_rules").RULES:
            AlertRule.objects.create(**fields)
        AlertRule.objects.create(**import_module("geoportal.monitoring.migrations.0011_reconnections").RULE)
        AlertChannel.objects.create(name="sala", kind="email", address="sala@example.org")
        call_command("load_sample_devices", verbosity=0)
        yield made / "devices"
        _forget()
        AlertChannel.objects.all().delete()
        AlertRule.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE monitoring_device CASCADE")


@pytest.fixture(scope="module")
def worker(broker: TestBroker, folder: Path) -> Iterator[Worker]:
    running = new_worker(broker)
    yield running
    running.listener.stop()
    running._close()


@pytest.fixture
def sites(folder: Path) -> Sequence[Site]:
    """All sample devices, none in service."""
    _forget()
    Device.objects.update(lifecycle="removed")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE monitoring_devicestatus SET presence = 'never', presence_at = NULL, last_seen_at = NULL, "
            "boot = NULL, conn = NULL, conn_seen = NULL, reconnected_at = '{}', sample_at = NULL, metrics = '{}', "
            "health = 'unknown', cause = 'never_seen', evidence = '[]'"
        )
    Device.objects.update(lifecycle="planned")
    return sample_sites()


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(_STATE)}")
