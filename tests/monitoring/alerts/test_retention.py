"""Old alerts are forgotten whole; nothing young, open or still to be sent goes, whoever asks."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from geoportal.monitoring.alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule, AlertTransition
from geoportal.monitoring.alerts.retention import forget_old_alerts

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]

YEARS = timedelta(days=1826)


def ended(days_ago: float, *, is_open: bool = False, **fields: Any) -> Alert:
    at = timezone.now() - timedelta(days=days_ago)
    rule = AlertRule.objects.get(slug="dispositivo-perso")
    alert = Alert.objects.create(
        rule=rule, scope="device", key=f"ap-{days_ago}", severity="critical", since=at,
        state="firing" if is_open else "resolved", resolved_at=None if is_open else at, **fields,
    )  # fmt: skip
    AlertTransition.objects.create(alert=alert, at=at, before="pending", after="firing", why="lasted")
    return alert


def test_what_ended_before_the_retention_goes_with_its_history_and_its_deliveries(channel: AlertChannel) -> None:
    old, young, still_open = ended(1830), ended(1820), ended(1900, is_open=True)
    child = ended(1810, suppressed_by=old)
    AlertDelivery.objects.create(transition=old.transitions.get(), channel=channel, due_at=old.since)
    assert forget_old_alerts(timezone.now()) == 1
    assert set(Alert.objects.all()) == {young, still_open, child}
    assert set(AlertTransition.objects.values_list("alert", flat=True)) == {young.pk, still_open.pk, child.pk}
    child.refresh_from_db()
    assert child.suppressed_by is None and not AlertDelivery.objects.exists()


def test_deliveries_that_were_made_or_given_up_go_sooner_and_those_that_wait_stay(channel: AlertChannel) -> None:
    def delivery(days_ago: float, **times: datetime) -> AlertDelivery:
        return AlertDelivery.objects.create(
            transition=ended(days_ago).transitions.get(), channel=channel, due_at=timezone.now(), **times
        )

    long_ago, lately = timezone.now() - timedelta(days=91), timezone.now() - timedelta(days=89)
    delivery(91, sent_at=long_ago)
    delivery(92, dropped_at=long_ago)
    kept = {delivery(93, sent_at=lately).pk, delivery(94).pk}
    forget_old_alerts(timezone.now())
    assert set(AlertDelivery.objects.values_list("pk", flat=True)) == kept
    assert Alert.objects.count() == 4


@pytest.mark.parametrize("said", ["", "2999-01-01T00:00:00Z"])
def test_nobody_deletes_a_young_step_whatever_he_says_to_the_database(said: str) -> None:
    ended(89)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('geoportal.forget_before', %s, true)", [said])
        cursor.execute("DELETE FROM monitoring_alerttransition")


def test_an_old_step_is_not_changed_and_not_deleted_unless_retention_says_so() -> None:
    ended(4000)
    for verb in ("UPDATE monitoring_alerttransition SET note = 'x'", "DELETE FROM monitoring_alerttransition"):
        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(verb)
