"""What the monitor notices at a given moment: silence, blindness and its end, maintenance, lifecycle, old data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from geoportal.monitoring.judging import rejudge
from geoportal.monitoring.models import DeadLetter, Device, DeviceStatus, MaintenanceWindow, ShardWatch
from geoportal.monitoring.watching import BLIND_AFTER, forget_old, make_partitions, note_reconnections, notify, watch
from tests.monitoring.devices import NOW, ago, device

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def heartbeats(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS ingest_heartbeat (worker text PRIMARY KEY, shards text[] NOT NULL, "
            "at timestamptz NOT NULL, connected boolean NOT NULL, counters jsonb NOT NULL)"
        )
    beat()


def beat(
    seconds_ago: float = 1, *, connected: bool = True, shards: list[str] | None = None, worker: str = "one"
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ingest_heartbeat VALUES (%s, %s, %s, %s, '{}') ON CONFLICT (worker) DO UPDATE "
            "SET shards = excluded.shards, at = excluded.at, connected = excluded.connected",
            [worker, shards or [f"{shard:02x}" for shard in range(16)], ago(seconds_ago), connected],
        )


def listening(shard: str, since: float = 86_400, checked: float = 2) -> None:
    """A monitor has looked at this shard for a day, last two seconds ago."""
    ShardWatch.objects.update_or_create(
        shard=shard, defaults={"listening_since": ago(since), "checked_at": ago(checked), "blind_since": None}
    )


def state(one: Device) -> tuple[str, str]:
    status = DeviceStatus.objects.get(device=one)
    return status.health, status.cause


def heard(seconds_ago: float, devid: str = "ap-one", **status: Any) -> Device:
    one = device(devid, status={"last_seen_at": ago(seconds_ago), "health": "ok", "cause": "", **status})
    listening(one.shard)
    return one


@pytest.mark.parametrize(
    ("seconds", "status", "expected"),
    [
        (90, {}, ("ok", "")),
        (91, {}, ("problem", "silent")),
        (1801, {}, ("critical", "silent")),
        (91, {"presence": "lost", "health": "problem", "cause": "connection_lost"}, ("critical", "silent")),
        (91, {"presence": "offline", "health": "problem", "cause": "switched_off"}, ("problem", "switched_off")),
    ],
)
def test_silence_is_noticed_without_any_message(
    seconds: float, status: dict[str, Any], expected: tuple[str, str]
) -> None:
    one = heard(seconds, **status)
    before = state(one)
    assert watch(NOW) == ([one.pk] if before != expected else [])
    assert state(one) == expected
    assert watch(NOW) == []


def test_a_will_is_believed_at_its_own_time_without_any_message() -> None:
    one = heard(30, presence="lost", presence_at=ago(0.5))
    rejudged(one)
    assert state(one) == ("ok", "") and watch(NOW) == []
    assert watch(NOW + timedelta(seconds=1)) == [one.pk]
    assert state(one) == ("problem", "connection_lost")


def test_wills_of_most_devices_together_wait_for_their_return() -> None:
    gone = [heard(30, f"ap-{number}", presence="lost", presence_at=ago(5)) for number in range(3)]
    heard(30, "ap-stays", presence="online")
    rejudged(*gone)
    assert [state(one) for one in gone] == [("ok", "")] * 3 and watch(NOW + timedelta(seconds=9)) == []
    assert set(watch(NOW + timedelta(seconds=10))) == {one.pk for one in gone}


def test_wills_that_wait_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = [heard(30, f"ap-{number}", presence="lost", presence_at=ago(5)) for number in range(3)]
    rejudged(*gone)
    looks: list[Sequence[int]] = []

    def counted(cursor: Any, ids: Sequence[int], now: datetime) -> list[int]:
        looks.append(ids)
        return rejudge(cursor, ids, now)

    monkeypatch.setattr("geoportal.monitoring.watching.rejudge", counted)
    assert watch(NOW + timedelta(seconds=9)) == [] and not any(looks)
    assert len(watch(NOW + timedelta(seconds=10))) == 3 and any(looks)


def test_devices_that_keep_their_state_do_not_hide_those_behind_them(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = [heard(91, f"ap-{number}") for number in range(5)]
    looks: list[Sequence[int]] = []

    def as_before(_cursor: Any, ids: Sequence[int], _now: datetime) -> list[int]:
        looks.append(ids)
        return []

    monkeypatch.setattr("geoportal.monitoring.watching.BATCH", 2)
    monkeypatch.setattr("geoportal.monitoring.watching.rejudge", as_before)
    assert watch(NOW) == [] and [one for ids in looks for one in ids] == [one.pk for one in silent]


def test_a_will_of_when_we_began_to_listen_waits_for_three_intervals() -> None:
    one = heard(40, presence="lost", presence_at=ago(20))
    ShardWatch.objects.filter(shard=one.shard).update(listening_since=ago(19))
    rejudged(one)
    for seconds in (0, 14, 28, 42, 56, 70):
        beat(-seconds)
        assert watch(NOW + timedelta(seconds=seconds)) == []
    assert watch(NOW + timedelta(seconds=71)) == [one.pk]
    assert state(one) == ("problem", "connection_lost")


def test_a_device_that_connects_again_and_again_is_unstable_until_it_is_calm() -> None:
    one = heard(5, conn=100)
    moment = NOW
    for conn in (100, 101, 102, 103, 104, 105, 106):
        DeviceStatus.objects.filter(device=one).update(conn=conn, last_seen_at=moment)
        note_reconnections(moment)
        assert state(one) == (("problem", "unstable") if conn == 106 else ("ok", ""))
        moment += timedelta(seconds=90)
    for minutes in (20, 25):
        moment = NOW + timedelta(minutes=minutes)
        DeviceStatus.objects.filter(device=one).update(last_seen_at=moment)
        note_reconnections(moment)
        assert state(one) == ("problem", "unstable")
    moment = NOW + timedelta(minutes=37)
    DeviceStatus.objects.filter(device=one).update(last_seen_at=moment)
    note_reconnections(moment)
    assert state(one) == ("ok", "")


def test_a_counter_that_begins_anew_is_no_reconnection_and_a_leap_counts_as_many() -> None:
    one = heard(5, conn=100)
    note_reconnections(NOW)
    for conn, expected in ((3, 0), (9, 6), (5000, 18)):
        DeviceStatus.objects.filter(device=one).update(conn=conn)
        note_reconnections(NOW)
        assert len(DeviceStatus.objects.get(device=one).reconnected_at) == expected


def rejudged(*devices: Device) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        rejudge(cursor, [one.pk for one in devices], NOW)


def test_long_silence_grows_worse_at_its_own_time() -> None:
    one = heard(91)
    watch(NOW)
    beat(-1700)
    listening(one.shard, checked=-1698)
    assert watch(NOW + timedelta(seconds=1700)) == []
    assert state(one) == ("problem", "silent")
    watch(NOW + timedelta(seconds=1710))
    assert state(one) == ("critical", "silent")


def test_nothing_is_judged_while_nothing_is_due(django_assert_num_queries: Any) -> None:
    heard(5)
    with django_assert_num_queries(5):  # table there?, shards, savepoint, due devices, release
        assert watch(NOW) == []


@pytest.mark.parametrize(("age", "connected"), [(BLIND_AFTER.total_seconds() + 1, True), (1, False)])
def test_without_ingest_devices_are_unknown_and_never_down(age: float, connected: bool) -> None:
    beat(age, connected=connected)
    silent, lost = heard(4000, "ap-one"), heard(4000, "ap-two", presence="lost", presence_at=ago(30))
    assert set(watch(NOW)) == {silent.pk, lost.pk}
    assert state(silent) == state(lost) == ("unknown", "we_are_blind")


def test_after_blindness_devices_have_their_time_to_speak() -> None:
    beat(60)
    one = heard(70)
    watch(NOW)
    assert state(one) == ("unknown", "we_are_blind")
    back = NOW + timedelta(seconds=600)
    beat(-599)
    assert watch(back) == [one.pk]
    assert state(one) == ("ok", "")
    later = back + timedelta(seconds=91)
    beat(-690)
    listening_since = ShardWatch.objects.get(shard=one.shard).listening_since
    ShardWatch.objects.update(checked_at=later - timedelta(seconds=2))
    assert listening_since == back
    watch(later)
    assert state(one) == ("problem", "silent")


def test_only_the_shards_without_a_worker_are_blind() -> None:
    one, two = heard(5, "ap-one"), heard(5, "ap-three")
    assert one.shard != two.shard
    beat(1, shards=[one.shard])
    assert watch(NOW) == [two.pk]
    assert (state(one), state(two)) == (("ok", ""), ("unknown", "we_are_blind"))


def test_a_time_without_any_monitor_starts_the_grace_anew() -> None:
    one = heard(4000)
    listening(one.shard, checked=3600)
    assert watch(NOW) == []
    assert state(one) == ("ok", "")


def test_maintenance_begins_and_ends_by_itself() -> None:
    one = heard(5)
    MaintenanceWindow.objects.create(device=one, starts_at=NOW, ends_at=NOW + timedelta(seconds=8))
    watch(NOW)
    assert state(one) == ("maintenance", "in_maintenance")
    watch(NOW + timedelta(seconds=8))
    assert state(one) == ("ok", "")


@pytest.mark.parametrize(
    ("lifecycle", "expected"),
    [
        ("suspended", ("maintenance", "suspended")),
        ("installed", ("unknown", "not_yet_active")),
        ("removed", ("unknown", "removed")),
    ],
)
def test_a_change_in_the_inventory_is_judged(lifecycle: str, expected: tuple[str, str]) -> None:
    one = heard(5)
    Device.objects.update(lifecycle=lifecycle)
    assert watch(NOW) == [one.pk]
    assert state(one) == expected
    Device.objects.update(lifecycle="active")
    watch(NOW)
    assert state(one) == ("ok", "")


def test_a_device_never_heard_is_left_in_peace() -> None:
    one = device(status={"presence": "never", "last_seen_at": None, "health": "unknown", "cause": "never_seen"})
    assert watch(NOW) == []
    assert state(one) == ("unknown", "never_seen")


def test_an_enrolled_device_that_is_never_heard_is_a_problem_once_we_listened_long_enough() -> None:
    never = {"presence": "never", "last_seen_at": None, "health": "unknown", "cause": "never_seen"}
    mute = device("ap-mute", status=never, enrolled_at=ago(3600))
    fresh = device("ap-fresh", status=never, enrolled_at=ago(890))
    unlistened = device("ap-unheard", status=never, enrolled_at=ago(3600))
    listening(mute.shard)
    listening(fresh.shard)
    ShardWatch.objects.update_or_create(shard=unlistened.shard, defaults={"checked_at": ago(2), "blind_since": ago(9)})
    assert len({mute.shard, fresh.shard, unlistened.shard}) == 3
    for shard in (mute.shard, fresh.shard):
        beat(1, worker=shard, shards=[shard])
    assert watch(NOW) == [mute.pk]
    assert state(mute) == ("problem", "never_heard")
    assert state(fresh) == state(unlistened) == ("unknown", "never_seen")
    assert watch(NOW) == []
    DeviceStatus.objects.filter(device=mute).update(last_seen_at=NOW)
    assert watch(NOW) == [mute.pk]
    assert state(mute) == ("ok", "")


@pytest.mark.parametrize("table", ["wifi_telemetry", "kiosks_telemetry"])
def test_the_days_of_the_real_tables_are_made_ahead_and_dropped_when_old(table: str) -> None:
    make_partitions(NOW)
    make_partitions(NOW)
    with connection.cursor() as cursor:
        cursor.execute("SELECT telemetry_ensure_day(%s, %s)", [table, "2026-08-25"])
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        days = {name.rsplit("_", 1)[1] for (name,) in cursor.fetchall()}
        assert days >= {"20260825", *(f"202611{day}" for day in range(23, 28))}
        cursor.execute(
            f"INSERT INTO {table} (device_id, ts, boot, seq, rx_at, hist, clock_bad) "
            "VALUES (1, %s, gen_random_uuid(), 1, %s, false, false)",
            [NOW + timedelta(days=3), NOW],
        )
        assert forget_old(NOW) == [f"{table}_20260825"]
        cursor.execute(f"SELECT count(*) FROM {table}")
        assert cursor.fetchone() == (1,)


def test_a_city_that_falls_silent_is_told_in_payloads_that_fit() -> None:
    sent: list[str] = []

    class Recorder:
        def execute(self, _statement: str, parameters: dict[str, str]) -> None:
            sent.append(parameters["ids"])

    ids = range(10**9, 10**9 + 2000)
    notify(Recorder(), list(ids))
    assert max(map(len, sent)) < 8000
    assert [int(part) for payload in sent for part in payload.split(",")] == list(ids)


def test_old_data_goes_when_its_time_is_over() -> None:
    letters = [DeadLetter.objects.create(topic="x", payload=b"", payload_bytes=0, reason="invalid") for _ in range(2)]
    DeadLetter.objects.filter(pk=letters[0].pk).update(received_at=ago(31 * 86_400))
    DeadLetter.objects.filter(pk=letters[1].pk).update(received_at=ago(29 * 86_400))
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE tests_telemetry (ts timestamptz NOT NULL) PARTITION BY RANGE (ts)")
        for day, start, end in (
            ("20260825", "2026-08-25", "2026-08-26"),
            ("20260826", "2026-08-26", "2026-08-27"),
        ):
            cursor.execute(
                f"CREATE TABLE tests_telemetry_{day} PARTITION OF tests_telemetry "
                f"FOR VALUES FROM ('{start}') TO ('{end}')"
            )
    assert forget_old(NOW) == ["tests_telemetry_20260825"]
    assert list(DeadLetter.objects.values_list("pk", flat=True)) == [letters[1].pk]
