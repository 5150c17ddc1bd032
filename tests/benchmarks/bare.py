"""`python -m tests.benchmarks.bare MODE PORT USER PASSWORD COUNT DSN`: what ingest is compared with.

`subscriber`: paho with manual acknowledgement. `loop`: the same, and COPY, the last state of each device, commit, then
the acknowledgement; nothing is checked, judged or told. `copy`: no broker, only COPY of lines made before, and commit.
Prints messages a second and µs of CPU a message, from the first batch on.
"""

from __future__ import annotations

import io
import queue
import sys
import time
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import psycopg2
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

BATCH, WINDOW = 2000, 4000
_TABLES = """
CREATE TABLE IF NOT EXISTS bench_sample (devid text, ts timestamptz, boot uuid, seq bigint, cpu float, mem float,
    PRIMARY KEY (devid, ts, boot, seq));
CREATE TABLE IF NOT EXISTS bench_last (devid text PRIMARY KEY, ts timestamptz, seq bigint);
TRUNCATE bench_sample, bench_last
"""
_LAST = """
INSERT INTO bench_last SELECT * FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[])
ON CONFLICT (devid) DO UPDATE SET ts = excluded.ts, seq = excluded.seq
"""


def connect(port: int, user: str, password: str, name: str, got: Any) -> mqtt.Client:
    """A client whose session outlives it, subscribed to everything that devices say."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
    client.username_pw_set(user, password)
    client.on_message = got
    wishes = Properties(PacketTypes.CONNECT)
    wishes.SessionExpiryInterval, wishes.ReceiveMaximum = 3600, WINDOW
    client.on_connect = lambda client, *_: client.subscribe("cremona/v1/+/+/up/#", qos=1)
    client.connect("127.0.0.1", port, clean_start=False, properties=wishes)
    return client


def write(connection: Any, messages: list[Any]) -> None:
    """One batch, committed."""
    lines, last = [], {}
    for message in messages:
        devid, said = message.topic.split("/")[3], msgspec.json.decode(message.payload)
        lines.append(f"{devid}\t{said['ts']}\t{said['boot']}\t{said['seq']}\t{said['m']['cpu']}\t{said['m']['mem']}\n")
        last[devid] = (said["ts"], said["seq"])
    with connection.cursor() as cursor:
        cursor.copy_expert("COPY bench_sample FROM STDIN", io.StringIO("".join(lines)))
        cursor.execute(_LAST, (list(last), [ts for ts, _ in last.values()], [seq for _, seq in last.values()]))
    connection.commit()


def only_copy(connection: Any, count: int) -> tuple[float, float]:
    """Seconds and CPU seconds of `count` rows in batches."""
    boot = "1c9e2a40-8d1b-4c3f-9b1a-2f7d53c0a911"
    rows = [f"d{n % 300}\t2026-11-22T08:30:00Z\t{boot}\t{n // 300}\t12.5\t41.0\n" for n in range(count)]
    began, used = time.monotonic(), time.process_time()
    for start in range(0, count, BATCH):
        with connection.cursor() as cursor:
            cursor.copy_expert("COPY bench_sample FROM STDIN", io.StringIO("".join(rows[start : start + BATCH])))
        connection.commit()
    return time.monotonic() - began, time.process_time() - used


def say(messages: float, seconds: float, cpu_s: float) -> None:
    sys.stdout.write(f"{messages / seconds:.0f} {1e6 * cpu_s / messages:.1f}\n")


def main() -> None:
    mode, port, user, password, count, dsn = sys.argv[1:]
    connection = psycopg2.connect(dsn)
    connection.cursor().execute(_TABLES)
    connection.commit()
    if mode == "copy":
        say(int(count), *only_copy(connection, int(count)))
        return
    arrived: queue.SimpleQueue[Any] = queue.SimpleQueue()
    client = connect(int(port), user, password, f"bench-{mode}", lambda _c, _d, message: arrived.put(message))
    client.loop_start()
    done = began = base = used = 0.0
    while done < int(count):
        batch = [arrived.get(timeout=60)]
        end = time.monotonic() + 0.05
        while len(batch) < BATCH and (left := end - time.monotonic()) > 0:
            try:
                batch.append(arrived.get(timeout=left))
            except queue.Empty:
                break
        if mode == "loop":
            write(connection, batch)
        for message in batch:
            client.ack(message.mid, 1)
        done += len(batch)
        if not began:
            began, base, used = time.monotonic(), done, time.process_time()
    say(done - base, time.monotonic() - began, time.process_time() - used)
    time.sleep(0.5)  # the last acknowledgements go out
    farewell = Properties(PacketTypes.DISCONNECT)
    farewell.SessionExpiryInterval = 0
    client.disconnect(properties=farewell)
    client.loop_stop()


if __name__ == "__main__":
    main()
