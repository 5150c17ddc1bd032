"""Channels are kept by administrators, and only with addresses that may be used."""

from typing import Any

import pytest
from django.test import Client

from geoportal.models import User
from geoportal.monitoring.alerts.models import AlertChannel

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "address", "taken"),
    [
        ("email", "sala@example.org", True),
        ("email", "sala", False),
        ("webhook", "https://hooks.example.org/a", True),
        ("webhook", "https://other.example.org/a", False),
        ("webhook", "http://169.254.169.254/", False),
    ],
)
def test_an_address_that_may_not_be_used_is_refused(
    client: Client, settings: Any, kind: str, address: str, taken: bool
) -> None:
    settings.WEBHOOK_ORIGINS = ["https://hooks.example.org"]
    client.force_login(User.objects.create_superuser("capo", password="una-parola-lunga"))
    fields = {"name": "sala", "kind": kind, "address": address, "least_severity": "warning", "is_active": "on"}
    client.post("/admin/monitoring/alertchannel/add/", fields)
    assert AlertChannel.objects.exists() is taken
    for page in ("alertchannel", "alertdelivery"):
        assert client.get(f"/admin/monitoring/{page}/").status_code == 200


def test_a_technician_does_not_reach_the_channels(client: Client) -> None:
    client.force_login(User.objects.create_user("tecnica", password="una-parola-lunga"))
    assert client.get("/admin/monitoring/alertchannel/").status_code == 302
