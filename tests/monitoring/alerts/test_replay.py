"""What would have fired: the stored past through the same deciding code."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from geoportal.monitoring.alerts.models import Alert, AlertRule
from geoportal.monitoring.alerts.replay import Replayed, replay
from geoportal.monitoring.models import StateInterval
from tests.monitoring.alerts.conftest import City
from tests.monitoring.devices import NOW

pytestmark = pytest.mark.django_db

WEEK = NOW - timedelta(days=7)
Piece = tuple[float, str, str]


def past(city: City, devid: str, *pieces: Piece) -> None:
    """(minutes since the week began, health, cause), each until the next."""
    for place, (minute, health, cause) in enumerate(pieces):
        end = WEEK + timedelta(minutes=pieces[place + 1][0]) if place + 1 < len(pieces) else None
        StateInterval.objects.create(
            device_id=city.ids[devid], health=health, cause=cause, started_at=WEEK + timedelta(minutes=minute),
            ended_at=end,
        )  # fmt: skip


def of(
    rules: dict[str, AlertRule], slug: str = "dispositivo-perso"
) -> list[tuple[str, str, float, float | None, bool]]:
    """(scope, key, minute of firing, minute of the end, called for) of each alert."""

    def minute(one: Replayed, name: str) -> float | None:
        at = getattr(one, name)
        return None if at is None else (at - WEEK) / timedelta(minutes=1)

    found = replay(rules[slug], WEEK, NOW)
    assert not Alert.objects.exists(), "nothing is written"
    return [(o.scope, o.key, minute(o, "fired_at") or 0.0, minute(o, "ended_at"), o.under is None) for o in found]


def test_one_outage_fires_after_its_wait_and_ends_after_its_rest(city: City, rules: dict[str, AlertRule]) -> None:
    city.add("ap-one")
    past(city, "ap-one", (0, "ok", ""), (60, "critical", "silent"), (90, "ok", ""))
    assert of(rules) == [("device", "ap-one", 62, 95, True)]


def test_a_short_loss_and_one_that_we_could_not_see_raise_nothing(city: City, rules: dict[str, AlertRule]) -> None:
    city.add("ap-one")
    past(city, "ap-one", (0, "ok", ""), (60, "problem", "connection_lost"), (61, "ok", ""),
         (100, "problem", "connection_lost"), (101, "unknown", "we_are_blind"), (300, "ok", ""))  # fmt: skip
    assert of(rules) == []


def test_a_feeder_is_one_alert_and_its_devices_are_under_it(city: City, rules: dict[str, AlertRule]) -> None:
    for number in range(4):
        city.add(f"ap-{number}-x", feeder="L7")
        past(city, f"ap-{number}-x", (0, "ok", ""), (60 + number / 4, "problem", "connection_lost"), (120, "ok", ""))
    found = of(rules)
    assert [one[:2] for one in found if one[4]] == [("feeder", "L7")]
    assert len([one for one in found if not one[4]]) == 4


def test_our_own_blindness_is_one_alert(city: City, rules: dict[str, AlertRule]) -> None:
    for number in range(4):
        city.add(f"ap-{number}-x")
        past(city, f"ap-{number}-x", (0, "ok", ""), (60, "unknown", "we_are_blind"), (70, "ok", ""))
    assert of(rules) == []
    assert of(rules, "centrale-cieca") == [("self", "", 61, 71, True)]


def test_maintenance_ends_an_alert_and_hours_delay_it(city: City, rules: dict[str, AlertRule]) -> None:
    city.add("totem-one", kind="totem")
    # The week begins at ten in the morning in Cremona: minute 900 is one o'clock at night, seven is minute 1260.
    past(city, "totem-one", (0, "ok", ""), (900, "critical", "page_dead"), (1300, "maintenance", "in_maintenance"))
    ((_, _, fired, ended, _),) = of(rules, "totem-non-utilizzabile")
    assert 1260 <= fired <= 1261 and ended == 1300


def test_measurements_are_replayed_from_the_stored_samples(city: City, rules: dict[str, AlertRule]) -> None:
    city.add("ap-one")
    rule = AlertRule.objects.create(slug="caldo", name_it="Caldo", kind="ap", subject="metric", metric="temp_cpu",
                                    raise_at=80, clear_at=70, for_s=60, keep_s=60)  # fmt: skip
    values = [60, 82, 83, 75, 75, 75, 69, 69, 69, 69, 75, 75]
    with connection.cursor() as cursor:
        cursor.execute("SELECT telemetry_ensure_day('wifi_telemetry', %s::date)", [WEEK.date()])
        for number, value in enumerate(values):
            cursor.execute(
                "INSERT INTO wifi_telemetry (device_id, ts, boot, seq, rx_at, hist, clock_bad, temp_cpu) "
                "VALUES (%s, %s, '00000000-0000-0000-0000-000000000001', %s, %s, true, false, %s)",
                [city.ids["ap-one"], WEEK + timedelta(minutes=number), number, NOW, value],
            )
    ((scope, key, fired, ended, calls),) = of({**rules, "caldo": rule}, "caldo")
    assert (scope, key, fired, ended, calls) == ("device", "ap-one", 2, 7, True)


def test_the_command_lists_them_and_refuses_an_unknown_rule(city: City, rules: dict[str, AlertRule]) -> None:
    city.add("ap-one")
    out = StringIO()
    call_command("replay_alerts", "dispositivo-perso", "--days", "30", stdout=out)
    assert out.getvalue().startswith("dispositivo-perso: 0 alerts")
    with pytest.raises(CommandError, match="no rule nonesuch: known are"):
        call_command("replay_alerts", "nonesuch")
