"""Devices that may be commanded, and people who may."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from geoportal.monitoring.commands.dispatch import Dispatcher
from layers.rights import TECHNICIANS
from tests.broker import TestBroker
from tests.geodata import forget_catalogue


@pytest.fixture
def technician(db: None) -> User:
    user = User.objects.create_user("tecnica", password="una-parola-lunga")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    return user


@pytest.fixture
def page(technician: User) -> Client:
    """The technician's browser."""
    from geoportal.devices.layers import write_live_layers

    write_live_layers()
    forget_catalogue()
    client = Client()
    client.force_login(technician)
    return client


@pytest.fixture
def dispatcher(transactional_db: None, broker: TestBroker) -> Iterator[Dispatcher]:
    """The thread that hands commands to the broker."""
    running = Dispatcher()
    running.start()
    yield running
    running.stop()
    running.join(10)
    assert not running.is_alive()
