import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from geoportal.messaging.device.spool import REMEMBERED_COMMANDS, Spool, SpoolError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    with Spool(path, max_bytes=1_000_000, kernel_boot="one") as opened:
        yield opened


def add(spool: Spool, count: int, *, size: int = 1) -> None:
    for number in range(count):
        spool.add("tele", {"m": {"n": number, "text": "x" * size}}, at=1000.0 + number)


def waiting_seqs(spool: Spool) -> list[int]:
    return [row.seq for row in spool.after(0, 10_000)]


def test_numbers_go_up_by_one_and_stand_in_the_body(spool: Spool) -> None:
    add(spool, 3)
    rows = spool.after(0, 10)
    assert [row.seq for row in rows] == [1, 2, 3]
    assert [json.loads(row.body)["seq"] for row in rows] == [1, 2, 3]
    assert {json.loads(row.body)["boot"] for row in rows} == {spool.boot}


def test_a_new_process_goes_on_and_a_new_boot_starts_again(path: Path) -> None:
    with Spool(path, max_bytes=1_000_000, kernel_boot="one") as first:
        add(first, 2)
        boot, conn = first.boot, first.next_conn()
    with Spool(path, max_bytes=1_000_000, kernel_boot="one") as again:
        add(again, 1)
        assert (again.boot, again.last_seq, again.next_conn()) == (boot, 3, conn + 1)
    with Spool(path, max_bytes=1_000_000, kernel_boot="two") as rebooted:
        add(rebooted, 1)
        assert (rebooted.last_seq, rebooted.next_conn()) == (1, conn + 2)
        assert rebooted.boot != boot
        assert [row.boot == boot for row in rebooted.after(0, 10)] == [True, True, True, False]


def test_what_is_acknowledged_goes_and_what_is_missing_stays(spool: Spool) -> None:
    add(spool, 10)
    deleted, held = spool.acknowledge(spool.boot, 8, [3, 5])
    assert deleted == 6
    assert len(held) == 2
    assert waiting_seqs(spool) == [3, 5, 9, 10]
    assert spool.acknowledge("another boot", 100, []) == (0, [])
    spool.acknowledge(spool.boot, 10, [])
    assert spool.used_bytes == 0


def test_more_missing_than_fits_into_one_statement_is_never_deleted(spool: Spool) -> None:
    add(spool, 2500)
    missing = list(range(1, 2001, 2))
    spool.acknowledge(spool.boot, 2500, missing)
    assert set(missing) <= set(waiting_seqs(spool))
    assert len(waiting_seqs(spool)) < 2500


def test_a_full_spool_drops_the_oldest_and_tells_exactly_which(path: Path) -> None:
    with Spool(path, max_bytes=50_000, kernel_boot="one") as spool:
        add(spool, 300, size=500)
        rows = spool.after(0, 10_000)
        assert spool.used_bytes <= 50_000
        gaps = [json.loads(row.body) for row in rows if row.is_gap]
        assert [gap["ev"] for gap in gaps] == ["gap"] * len(gaps)
        lost = {seq for gap in gaps for seq in range(gap["d"]["from"], gap["d"]["to"] + 1)}
        assert sum(gap["d"]["n"] for gap in gaps) == spool.last_seq - len(rows)
        assert lost | {row.seq for row in rows} == set(range(1, spool.last_seq + 1))
        assert rows[-1].seq == spool.last_seq


def test_a_gap_event_that_went_out_is_not_rewritten(path: Path) -> None:
    with Spool(path, max_bytes=20_000, kernel_boot="one") as spool:
        add(spool, 60, size=500)
        (gap,) = [row for row in spool.after(0, 1000) if row.is_gap]
        spool.seal(gap.id)
        add(spool, 60, size=500)
        (same, *later) = [row for row in spool.after(0, 1000) if row.is_gap]
        assert same.body == gap.body
        assert later
        assert json.loads(later[0].body)["d"]["from"] == json.loads(gap.body)["d"]["to"] + 1


def test_a_write_that_fails_uses_no_number(path: Path, spool: Spool) -> None:
    add(spool, 1)
    other = sqlite3.connect(path)
    other.execute("CREATE TRIGGER full_disk BEFORE INSERT ON spool BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    with pytest.raises(SpoolError, match="disk full"):
        add(spool, 1)
    other.execute("DROP TRIGGER full_disk")
    other.close()
    add(spool, 1)
    assert waiting_seqs(spool) == [1, 2]


def test_a_file_that_is_no_spool_is_named(path: Path) -> None:
    path.write_bytes(b"this is not a database, it is a text of some length" * 40)
    with pytest.raises(SpoolError, match=r"spool\.sqlite3"):
        Spool(path, max_bytes=1_000_000, kernel_boot="one")


def test_commands_are_remembered_up_to_a_number(spool: Spool) -> None:
    for number in range(REMEMBERED_COMMANDS + 10):
        spool.take_command(f"c{number}", "reload")
    assert spool.command("c9") is None
    last = spool.command(f"c{REMEMBERED_COMMANDS + 9}")
    assert last is not None
    assert last.state == "taken"
    spool.finish_command(last.id, b"{}")
    assert len(spool.unfinished_commands()) == REMEMBERED_COMMANDS - 1
