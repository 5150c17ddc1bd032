"""The message parsers: what is read, what is refused and with which words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from geoportal.messaging.messages import (
    MAX_DEPTH,
    MalformedMessage,
    TelemetryReader,
    check_size,
    numbers_of,
    read_event,
    read_info,
    read_result,
    read_state,
)
from kiosks.messages import TotemMetrics
from wifi.messages import AccessPointMetrics

BOOT = "1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911"
WIFI = TelemetryReader.of(AccessPointMetrics)
TOTEM = TelemetryReader.of(TotemMetrics)


def sample(**changes: Any) -> dict[str, Any]:
    return {"v": 1, "boot": BOOT, "seq": 1, "ts": "2026-11-22T08:30:00Z", "m": {"cpu": 12.5}} | changes


def dump(value: object) -> bytes:
    return json.dumps(value).encode()


def test_a_sample_keeps_known_and_unknown_measurements() -> None:
    (read,) = WIFI.read(dump(sample(m={"cpu": 12, "clients_5": 14, "fan": 3, "tags": ["a"]})))
    named = dict(zip(AccessPointMetrics.__struct_fields__, read.values, strict=True))
    assert (named["cpu"], named["clients_5"], named["mem"]) == (12.0, 14, None)
    assert msgspec.json.decode(read.extra or b"") == {"fan": 3, "tags": ["a"]}
    assert msgspec.json.decode(read.metrics)["fan"] == 3
    assert read.ts.utcoffset() is not None


def test_a_batch_holds_up_to_fifty_samples() -> None:
    many = [sample(seq=number, hist=True) for number in range(50)]
    assert [one.seq for one in WIFI.read(dump({"batch": many}))] == list(range(50))
    with pytest.raises(MalformedMessage, match="batch"):
        WIFI.read(dump({"batch": [*many, sample(seq=50)]}))
    with pytest.raises(MalformedMessage, match="batch"):
        WIFI.read(b'{"batch":[]}')


def test_yes_and_no_come_as_words_or_numbers() -> None:
    (read,) = TOTEM.read(dump(sample(m={"page_alive": True, "door": 0})))
    named = dict(zip(TotemMetrics.__struct_fields__, read.values, strict=True))
    assert (bool(named["page_alive"]), bool(named["door"])) == (True, False)


@pytest.mark.parametrize(
    ("payload", "code", "words"),
    [
        (b"\xff\x00 not json", "not_json", "not JSON"),
        (b"", "not_json", "not JSON"),
        (b"[1,2]", "invalid", "Expected `object`"),
        (b"{}", "invalid", "boot"),
        (dump(sample(m={"cpu": "hot"})), "invalid", "cpu.*'hot'"),
        (dump(sample(m={"cpu": 101})), "invalid", "cpu.*101"),
        (dump(sample(m={"clients_24": -1})), "invalid", "clients_24.*-1"),
        (dump(sample(m=[1])), "invalid", "m: .*object"),
        (dump(sample(seq=-1)), "invalid", "seq.*-1"),
        (dump(sample(seq=2**63)), "invalid", "seq"),
        (dump(sample(seq="7")), "invalid", "seq.*'7'"),
        (dump(sample(boot="x")), "invalid", "boot.*'x'"),
        (dump(sample(ts="yesterday")), "invalid", "ts.*yesterday"),
        (dump(sample(ts="2026-11-22T08:30:00")), "invalid", "ts"),
        (dump({"batch": [sample(), sample(m={"mem": 1e9})]}), "invalid", "mem.*1000000000"),
        (b'{"x":"' + b"a" * 70_000 + b'"}', "too_large", "70008 bytes; at most 65536"),
    ],
)
def test_a_malformed_sample_names_field_and_value(payload: bytes, code: str, words: str) -> None:
    with pytest.raises(MalformedMessage, match=words) as refused:
        WIFI.read(payload)
    assert refused.value.code == code


@pytest.mark.parametrize("address", ["a4:83:e7:01:02:03", "A4-83-E7-01-02-03", "a483.e701.0203", "a483e7010203"])
def test_addresses_of_network_cards_are_not_kept(address: str) -> None:
    (read,) = WIFI.read(dump(sample(m={"cpu": 1, "last": address, "top": [{"id": address}]})))
    assert address.encode() not in (read.extra or b"") + read.metrics
    assert address.encode() not in read_info(dump({"radio": {"bssid": address}, "model": "x"}))
    event = read_event(
        dump({"boot": BOOT, "seq": 1, "ts": "2026-11-22T08:30:00Z", "ev": "seen", "d": {"who": address}})
    )
    assert address not in str(event.d)
    assert read.boot == BOOT


def test_births_wills_and_goodbyes() -> None:
    assert read_state(dump({"s": "online", "boot": BOOT, "conn": 17, "up": 3, "clk": "ntp"})).conn == 17
    assert read_state(dump({"s": "offline", "boot": BOOT, "conn": 17, "why": "shutdown"})).why == "shutdown"
    with pytest.raises(MalformedMessage, match=r"s: .*'asleep'"):
        read_state(dump({"s": "asleep", "boot": BOOT, "conn": 1}))


def test_results_of_commands_are_of_the_contract() -> None:
    assert read_result(dump({"id": "a", "st": "done", "ts": "2026-11-22T08:30:00Z"})).code == 0
    with pytest.raises(MalformedMessage, match="out"):
        read_result(dump({"id": "a", "st": "done", "ts": "2026-11-22T08:30:00Z", "out": "x" * 5000}))
    with pytest.raises(MalformedMessage, match="Expected `object`"):
        read_info(b"[]")


def test_numbers_of_a_refused_message_are_recognised() -> None:
    assert numbers_of(dump({"batch": [sample(m=3), sample(seq=2)]})) == [(BOOT, 1), (BOOT, 2)]
    assert numbers_of(b"{") == []
    assert numbers_of(dump([sample(), {"boot": "x"}])) == []


def test_depth_counts_lists_and_objects_and_no_brackets_in_texts() -> None:
    level = MAX_DEPTH - 2
    fine = json.dumps({"x": "[" * 500 + '\\"' + "{" * 500, "y": [[1]] * 300})
    check_size(fine.encode())
    check_size(b'{"x":' + b"[" * level + b"]" * level + b"}")
    with pytest.raises(MalformedMessage, match="deeper than 100"):
        check_size(b'{"x":' + b"[" * 101 + b"]" * 101 + b"}")
