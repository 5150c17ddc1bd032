"""The chart of a device's page: drawn, said in words, and the same numbers as a table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, expect
from pytest_django.live_server_helper import LiveServer

from geoportal.devices.layers import write_live_layers
from geoportal.models import User
from geoportal.monitoring.rollups import roll_up
from layers.rights import TECHNICIANS
from tests.browser.conftest import Visit, new_context
from tests.geodata import forget_catalogue
from tests.monitoring.devices import device

FILL = """
INSERT INTO wifi_telemetry (device_id, ts, boot, seq, rx_at, hist, clock_bad, clients_24, cpu, rx_total)
SELECT %s, at, '1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911', n, at, false, false, 20 + 15 * sin(n / 90.0), n %% 90, 60000 * n
FROM generate_series(0, 1400) AS n, LATERAL (SELECT %s::timestamptz + n * interval '1 minute' AS at) AS moment
WHERE n NOT BETWEEN 600 AND 700
"""


@pytest.mark.django_db(transaction=True)
def test_a_measurement_is_drawn_and_can_be_read_as_a_table(live_server: LiveServer, browser: Browser) -> None:
    write_live_layers()
    one = device("ap-uno")
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=23, minutes=50)
    with connection.cursor() as cursor:
        for day in (start, start + timedelta(days=1)):
            cursor.execute("SELECT telemetry_ensure_day('wifi_telemetry', %s)", [day.date()])
        cursor.execute(FILL, [one.pk, start])
        cursor.execute(
            "INSERT INTO telemetry_dirty "
            "SELECT DISTINCT device_id, date_bin('5 minutes', ts, 'epoch') FROM wifi_telemetry"
        )
    roll_up(datetime.now(UTC))
    forget_catalogue()
    user = User.objects.create_user("tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    signed_in = Client()
    signed_in.force_login(user)
    context = new_context(browser, viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": "sessionid", "value": signed_in.cookies["sessionid"].value, "url": live_server.url}])
    visit = Visit(context.new_page(), live_server.url)
    page = visit.page
    page.goto(f"{live_server.url}/tecnici/ap-uno/")
    chart = page.locator("#chart-figure svg")
    expect(chart.locator("polyline")).to_have_count(2)  # nothing is drawn where nothing was measured
    page.get_by_label("Misura", exact=True).select_option("rx_total")
    expect(page.locator("#chart-figure figcaption")).to_contain_text("Traffico ricevuto: media 8000 bit/s")
    page.get_by_text("Gli stessi valori in tabella").click()
    expect(page.locator("#chart-figure tbody tr").first).to_contain_text("8000 bit/s")
    assert visit.faults == [] and visit.strangers() == []
    context.close()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE wifi_telemetry, telemetry_dirty, telemetry_rollup")
