"""What is kept of a talkative broker's words, as Mosquitto 2.0.11 says them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from geoportal.messaging.broker_log import MOST_A_SECOND, Denial, Sieve, denials
from geoportal.monitoring.denials import MOST_AN_HOUR, Denials
from geoportal.runtime.process import RotatingLog

HOUR = datetime(2026, 11, 24, 9, tzinfo=UTC)
SAID = b"""\
1795533812: New client connected from 127.0.0.1:49628 as ap-1 (p5, c1, k60, u'ap-1').
1795533812: No will message specified.
1795533812: Sending CONNACK to ap-1 (0, 0)
1795533812: Denied PUBLISH from ap-1 (d0, q1, r0, m1, 'cremona/v1/06/ap-2/up/tele', ... (2 bytes))
1795533812: Sending PUBACK to ap-1 (m1, rc135)
1795533812: Received SUBSCRIBE from ap-1
1795533812: \t# (QoS 1)
1795533812: \tcremona/v1/0c/ap-1/dn/cmd (QoS 1)
1795533812: ap-1 1 cremona/v1/0c/ap-1/dn/cmd
1795533812: \t$SYS/# (QoS 1)
1795533812: Sending SUBACK to ap-1
1795533812: Received PUBLISH from ap-1 (d0, q1, r0, m2, 'cremona/v1/0c/ap-1/up/tele', ... (300 bytes))
1795533812: Received SUBSCRIBE from ap-1
1795533812: \t# (QoS 0)
1795533812: Sending SUBACK to ap-1
1795533812: Will message specified (1 bytes) (r0, q0).
1795533812: \tno/way
1795533812: Received DISCONNECT from ap-1
1795533812: Client ap-1 disconnected.
"""


@pytest.mark.parametrize("size", [1, 7, 100, len(SAID)])
def test_denials_are_told_once_a_second_and_ordinary_words_are_kept(size: int) -> None:
    sieve = Sieve()
    sieve.sift(b"", now=9.5)
    sieve._told_at = 9.5
    pieces = (SAID[begin : begin + size] for begin in range(0, len(SAID), size))
    kept = [line for piece in pieces for line in sieve.sift(piece, now=10.0)]
    assert b"".join(kept).decode().splitlines() == [SAID.decode().splitlines()[0], SAID.decode().splitlines()[-1]]
    assert set(denials(b"".join(sieve.sift(b"", now=10.6)))) == {
        Denial("ap-1", "publish", "cremona/v1/06/ap-2/up/tele", 1),
        Denial("ap-1", "subscribe", "#", 2),
        Denial("ap-1", "subscribe", "$SYS/#", 1),
    }
    assert sieve.sift(b"", now=99.0) == []


def test_a_line_that_was_cut_short_hides_no_other() -> None:
    whole = Denial("ap-1", "publish", "altrui", 3)
    torn = [b'denied ["ap-1", "publ', b'denied ["ap-1", "publish", "x", "tre"]\n', b"denied 7\n", b"denied \xff\n"]
    assert list(denials(b"".join([*torn[1:], whole.line(), torn[0]]))) == [whole]


def test_a_topic_cannot_pass_for_a_line_of_ours() -> None:
    evil = 'x\', ... (9 bytes))\\ndenied ["ap-2", "publish", "y", 7]'
    line = f"1795533812: Denied PUBLISH from ap-1 (d0, q1, r0, m1, '{evil}', ... (2 bytes))\n"
    (told,) = denials(b"".join(Sieve().sift(line.encode(), now=10.0)))
    assert told == Denial("ap-1", "publish", evil, 1)


def test_a_flood_of_topics_is_few_lines_and_few_rows(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "broker.log")
    reader = Denials(log.path)
    flood = "".join(
        f"1795533812: Denied PUBLISH from ap-1 (d0, q1, r0, m1, 'x/{number}', ... (2 bytes))\n"
        for number in range(1000)
    )
    kept = Sieve().sift(flood.encode(), now=10.0)
    assert len(kept) == MOST_A_SECOND + 1
    for line in kept:
        log.write(line)
    assert reader.take(HOUR).total() == 1000
    for number in range(2 * MOST_AN_HOUR):
        log.write(Denial("ap-1", "publish", f"y/{number}").line())
    counts = reader.take(HOUR)
    assert counts.total() == 2 * MOST_AN_HOUR and len(counts) <= MOST_AN_HOUR
    log.close()


def test_lines_are_read_across_the_rotation_of_the_log(tmp_path: Path) -> None:
    log = RotatingLog(tmp_path / "broker.log")
    reader = Denials(log.path)
    for number in range(3):
        log.write(Denial("ap-1", "publish", str(number)).line())
        log._rotate()
    log.write(Denial("ap-1", "publish", "last").line()[:5])
    found = [topic for _ in range(4) for _, _, topic in reader.take(HOUR)]
    log.write(Denial("ap-1", "publish", "last").line()[5:])
    found += [topic for _, _, topic in reader.take(HOUR)]
    assert found == ["0", "last"]  # what a log put aside twice within a second held is gone
    log.close()
