"""The scenarios of a city's week on stored statuses: what calls people, and what must not."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from geoportal.monitoring.alerts.evaluation import evaluate
from geoportal.monitoring.alerts.models import Alert, AlertChannel, AlertDelivery, AlertRule, AlertTransition
from geoportal.monitoring.alerts.writing import NotOpen, acknowledge
from geoportal.monitoring.models import Device
from tests.monitoring.alerts.conftest import City, fired, steps_of
from tests.monitoring.devices import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("rules")]


def feeder(city: City, number: int = 6) -> list[str]:
    names = [f"ap-{place:02d}" for place in range(number)]
    for place, name in enumerate(names):
        city.add(name, feeder="L7", cabinet=f"C{place % 2}", area="Centro")
    return names


def test_a_well_city_costs_no_writes(city: City) -> None:
    feeder(city)
    city.play(60)
    assert not Alert.objects.exists()


def test_one_lost_device_is_one_alert_and_its_end_is_told(city: City, channel: AlertChannel) -> None:
    city.add("ap-one", feeder="L7")
    city.lose(["ap-one"], value=3)
    city.play(115)
    assert fired() == []
    city.play(10)
    assert fired() == [("dispositivo-perso", "device", "ap-one")]
    city.heal(["ap-one"])
    city.play(310)
    alert = Alert.objects.get()
    assert steps_of(alert) == ["seen", "lasted", "cleared"] and alert.resolved_at == city.now - timedelta(seconds=5)
    assert alert.evidence["value"] == 3
    assert AlertDelivery.objects.filter(channel=channel).count() == 2


def test_a_restart_of_the_broker_raises_nothing(city: City) -> None:
    names = feeder(city)
    # Wills of a restart, taken back at once; then the time in which nobody could listen.
    city.lose(names[:2])
    city.play(8)
    city.blind(city.now)
    city.play(40)
    city.blind(None)
    city.heal(names)
    city.play(600)
    assert fired() == []


def test_when_we_are_blind_there_is_one_alert_about_us_and_none_about_devices(city: City) -> None:
    names = feeder(city, 12)
    city.blind(city.now)
    city.play(1200)
    assert fired() == [("centrale-cieca", "self", "")]
    assert Alert.objects.get().evidence["devices"] == len(names)
    city.blind(None)
    city.heal(names)
    city.play(120)
    assert Alert.objects.get().state == "resolved"


def test_what_was_out_before_we_went_blind_stays_and_is_neither_ended_nor_repeated(city: City) -> None:
    city.add("ap-one")
    city.lose(["ap-one"], "silent")
    city.play(200)
    city.blind(city.now)
    city.play(4 * 3600 + 60, every=60)
    alert = Alert.objects.get(scope="device")
    assert alert.state == "firing" and steps_of(alert) == ["seen", "lasted"]


def test_a_power_cut_of_a_feeder_is_one_alert_and_its_devices_are_recorded(city: City, channel: AlertChannel) -> None:
    names = feeder(city)
    city.add("ap-elsewhere", feeder="L8", area="Centro")
    for name in names:
        city.lose([name])
        city.play(10)
    city.play(300)
    assert fired() == [("dispositivo-perso", "feeder", "L7")]
    group = Alert.objects.get(scope="feeder")
    assert sorted(group.children.values_list("key", flat=True)) == names
    assert group.evidence["lost"] == 6 and group.evidence["total"] == 6
    assert AlertTransition.objects.filter(alert__scope="device").exists()
    assert [delivery.transition.alert.scope for delivery in AlertDelivery.objects.all()] == ["feeder"]


def test_when_power_returns_all_end_with_one_message(city: City, channel: AlertChannel) -> None:
    names = feeder(city)
    city.lose(names)
    city.play(300)
    city.heal(names)
    city.play(700)
    assert not Alert.objects.filter(resolved_at=None).exists()
    assert [delivery.transition.why for delivery in AlertDelivery.objects.order_by("id")] == ["lasted", "cleared"]


def test_who_stays_lost_after_the_common_cause_is_a_trouble_of_its_own(city: City, channel: AlertChannel) -> None:
    names = feeder(city)
    city.lose(names)
    city.play(300)
    city.heal(names[1:])
    city.play(700)
    left = Alert.objects.get(resolved_at=None)
    assert (left.key, left.state, left.suppressed_by) == (names[0], "firing", None)
    assert steps_of(left)[-1] == "apart"
    assert [delivery.transition.why for delivery in AlertDelivery.objects.order_by("id")].count("apart") == 1


def test_a_group_that_cannot_be_seen_has_not_come_back(city: City) -> None:
    names = feeder(city)
    city.lose(names)
    city.play(300)
    city.blind(city.now)
    city.play(600)
    assert Alert.objects.get(scope="feeder").state == "firing"


def test_a_flapping_device_is_one_alert(city: City, channel: AlertChannel) -> None:
    city.add("ap-one")
    for _ in range(40):
        city.lose(["ap-one"])
        city.play(45)
        city.heal(["ap-one"])
        city.play(45)
    alert = Alert.objects.get()
    assert alert.is_flapping and steps_of(alert)[:2] == ["seen", "flapping"]
    assert AlertDelivery.objects.filter(transition__after="firing", transition__before="pending").count() == 1


def test_back_fill_is_silent(city: City) -> None:
    AlertRule.objects.create(slug="caldo", name_it="Caldo", subject="metric", metric="temp_cpu", raise_at=80,
                             clear_at=70, for_s=60, keep_s=60)  # fmt: skip
    city.add("ap-one")
    for minute in range(60):
        city.sample("ap-one", NOW - timedelta(hours=6) + timedelta(minutes=minute), temp_cpu=95)
        city.play(30)
    assert not Alert.objects.exists()


def test_a_measure_has_a_threshold_to_raise_and_another_to_clear(city: City) -> None:
    AlertRule.objects.create(slug="caldo", name_it="Caldo", subject="metric", metric="temp_cpu", raise_at=80,
                             clear_at=70, for_s=60, keep_s=60)  # fmt: skip
    city.add("ap-one")

    def stay(value: float, seconds: int) -> str:
        for _ in range(seconds // 30):
            city.sample("ap-one", city.now, temp_cpu=value)
            city.play(30)
        return ",".join(Alert.objects.values_list("state", flat=True))

    assert stay(79.9, 120) == ""
    assert stay(81, 120) == "firing"
    assert stay(75, 300) == "firing"
    assert stay(69, 120) == "resolved"
    assert stay(75, 300) == "resolved"


def test_one_hot_sample_is_not_enough_however_long_it_stands(city: City) -> None:
    AlertRule.objects.create(slug="caldo", name_it="Caldo", subject="metric", metric="temp_cpu", raise_at=80,
                             clear_at=70, for_s=30, keep_s=60)  # fmt: skip
    city.add("ap-one")
    city.sample("ap-one", city.now, temp_cpu=95)
    city.play(200)
    assert Alert.objects.get().state == "pending"


def test_a_note_is_no_alert(city: City) -> None:
    city.add("totem-one", kind="totem")
    city.note(["totem-one"], "very_hot_case")
    city.play(300)
    assert not Alert.objects.exists()


def test_a_totem_that_is_broken_at_night_calls_in_the_morning(city: City) -> None:
    city.add("totem-one", kind="totem")
    city.now = NOW.replace(hour=1)  # 2 o'clock in Cremona
    city.lose(["totem-one"], "page_dead")
    city.play(3600, every=30)
    assert fired() == []
    city.now = NOW.replace(hour=6)  # 7 o'clock
    for _ in range(10):
        city.sample("totem-one", city.now)
        city.play(30)
    assert fired() == [("totem-non-utilizzabile", "device", "totem-one")]


def test_maintenance_ends_an_alert_without_a_call(city: City, channel: AlertChannel) -> None:
    city.add("ap-one")
    city.lose(["ap-one"])
    city.play(200)
    city._update(["ap-one"], health="maintenance", cause="in_maintenance", evidence=[])
    city.play(10)
    alert = Alert.objects.get()
    assert steps_of(alert) == ["seen", "lasted", "maintenance"]
    assert AlertDelivery.objects.count() == 1


def test_a_rule_switched_off_and_a_device_removed_end_their_alerts(city: City) -> None:
    city.add("ap-one")
    city.add("ap-two")
    city.lose(["ap-one", "ap-two"])
    city.play(200)
    Device.objects.get(devid="ap-two").delete()
    city.play(5)
    assert Alert.objects.get(key="ap-two").state == "resolved"
    AlertRule.objects.update(is_active=False)
    city.play(5)
    assert steps_of(Alert.objects.get(key="ap-one"))[-1] == "rule_off"


def test_who_takes_an_alert_stands_in_its_history_with_a_note(city: City, django_user_model: Any) -> None:
    user = django_user_model.objects.create_user("tecnica", password="una-parola-lunga")
    city.add("ap-one")
    city.lose(["ap-one"])
    city.play(60)
    with pytest.raises(NotOpen):
        acknowledge(Alert.objects.get().pk, user.pk, "", city.now)
    city.play(100)
    acknowledge(Alert.objects.get().pk, user.pk, "Vado io", city.now)
    with pytest.raises(NotOpen):
        acknowledge(Alert.objects.get().pk, user.pk, "Anch'io", city.now)
    city.play(2 * 3600, every=60)
    alert = Alert.objects.get()
    assert steps_of(alert) == ["seen", "lasted", "acknowledged"]
    assert alert.transitions.get(why="acknowledged").note == "Vado io"


@pytest.mark.parametrize(
    "verb", ["UPDATE monitoring_alerttransition SET note = 'x'", "DELETE FROM monitoring_alerttransition"]
)
def test_the_database_keeps_the_history_as_it_was(city: City, verb: str) -> None:
    city.add("ap-one")
    city.lose(["ap-one"])
    city.play(5)
    with pytest.raises(DatabaseError, match="never changed"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(verb)
    assert AlertTransition.objects.count() == 1


def test_a_storm_is_written_in_as_few_statements_as_one_alert(city: City, django_assert_max_num_queries: Any) -> None:
    for number in range(60):
        city.add(f"ap-{number:03d}")
    city.lose(city.ids)
    with django_assert_max_num_queries(25):
        evaluate(city.now)
    with django_assert_max_num_queries(25):
        evaluate(city.now + timedelta(seconds=130))
    assert len(fired()) == 60
