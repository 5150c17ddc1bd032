"""Devices for a load test: numbers in the inventory, in service while the test runs, and an account for all of them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from geoportal.messaging import dynsec, topics
from geoportal.sql import queries

SQL = queries("geoportal.monitoring", "load_devices")
PREFIX = "load-"
USER = "load-test"


def devid_of(number: int) -> str:
    return f"{PREFIX}{number:06d}"


@contextmanager
def in_service(count: int, interval_s: int) -> Iterator[list[tuple[str, str]]]:
    """(shard, devid) of so many devices, in service; afterwards all of load tests are out of service."""
    wanted = [(topics.shard_of(devid), devid) for devid in map(devid_of, range(count))]
    dismiss()
    with transaction.atomic(), connection.cursor() as cursor:
        values = {"devids": [devid for _, devid in wanted], "shards": [shard for shard, _ in wanted]}
        cursor.execute(SQL["enlist"], {**values, "interval": interval_s})
    try:
        yield wanted
    finally:
        dismiss()


def dismiss() -> None:
    """Take the devices of load tests out of service."""
    with connection.cursor() as cursor:
        cursor.execute(SQL["dismiss"], {"pattern": f"{PREFIX}%"})


@contextmanager
def account() -> Iterator[tuple[str, str]]:
    """(user, password) that may publish births and samples of every device, for as long as the context lasts.

    Raises dynsec.BrokerUnavailable and dynsec.DynsecError.
    """
    password = secrets.token_urlsafe(24)
    rules = [
        {"acltype": "publishClientSend", "topic": f"{topics.ROOT}/+/+/up/{channel}", "priority": 0, "allow": True}
        for channel in ("state", "tele")
    ]
    with dynsec.connected() as control:
        control.run(_gone(), accept=dynsec.NOT_FOUND)
        control.run(
            [
                {"command": "createRole", "rolename": USER, "acls": rules},
                {"command": "createClient", "username": USER, "password": password, "roles": [{"rolename": USER}]},
            ]
        )
    try:
        yield USER, password
    finally:
        with dynsec.connected() as control:
            control.run(_gone(), accept=dynsec.NOT_FOUND)


def _gone() -> list[dynsec.Command]:
    return [{"command": "deleteClient", "username": USER}, {"command": "deleteRole", "rolename": USER}]


def stored(run: str) -> int:
    """How many samples of a run the database holds, as ingest acknowledged them."""
    with connection.cursor() as cursor:
        limits = {"first": f"{run}-0000-4000-8000-000000000000", "last": f"{run}-0000-4000-8000-ffffffffffff"}
        cursor.execute(SQL["stored"], limits)
        return int(cursor.fetchone()[0])
