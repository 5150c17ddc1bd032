"""One device's MQTT session: announce, deliver from the spool until the centre has stored it, listen.

Runs on an asyncio loop, so that one thread serves many devices. Every connection gets a new paho client: a message
that was in flight belongs to the spool, not to a client's memory, and each connection's will carries its own `conn`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from geoportal.messaging import topics
from geoportal.messaging.device import link, payloads
from geoportal.messaging.device.clock import clock_quality, uptime_s
from geoportal.messaging.device.config import AgentConfig
from geoportal.messaging.device.delivery import Delivery
from geoportal.messaging.device.spool import Spool, SpoolError

logger = logging.getLogger("geoportal.device")

_TICK_S = 5.0
_CONNACK_WAIT_S = 15.0
_BACKOFF_S = (1.0, 120.0)
_STEADY_S = 60.0
"""A connection that lasted this long was good: the next wait starts from the shortest again."""
_REPUBLISH_JITTER_S = 10.0


@dataclass(slots=True)
class Surroundings:
    """What a session takes from the machine it runs on; the simulator gives a device's own."""

    now: Callable[[], float] = time.time
    """Seconds since the epoch by the device's clock."""
    monotonic: Callable[[], float] = time.monotonic
    """For waiting times: seconds since some moment, never set back."""
    uptime_s: Callable[[], int] = uptime_s
    clock_quality: Callable[[], str] = clock_quality
    random: random.Random = field(default_factory=random.Random)


class Session:
    """The connection of one device. Everything happens on the loop that calls `start`."""

    def __init__(
        self,
        config: AgentConfig,
        spool: Spool,
        *,
        info: Callable[[], dict[str, Any]],
        on_command: Callable[[bytes], None] | None = None,
        on_config: Callable[[bytes], None] | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._config = config
        self._spool = spool
        self._info = info
        self._on_command = on_command
        self._on_config = on_config
        self._around = surroundings or Surroundings()
        self._delivery = Delivery(spool, config.devid, self._publish, self._around.now, self._around.monotonic)
        self._client: Client | None = None
        self._conn = 0
        self._fd = -1
        self._writing = False
        self._running = False
        self._welcomed_at: float | None = None
        self._failures = 0
        self._clock = ""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._listeners = {
            config.down("cmd"): self._hear_command,
            config.down("cfg"): self._hear_config,
            config.down("ack"): self._delivery.acknowledged,
        }
        self._shard = config.shard or topics.shard_of(config.devid)
        self._listened = [*self._listeners, topics.SERVER_STATES]
        self.refusal = ""
        """Why the last connection was refused or broke; empty while all is well."""

    @property
    def is_online(self) -> bool:
        """Whether the broker has accepted the current connection."""
        return self._welcomed_at is not None

    @property
    def in_flight(self) -> int:
        """Messages given to the broker and not yet confirmed by it."""
        return self._delivery.in_flight

    @property
    def is_busy(self) -> bool:
        """Whether something is under way that ends by itself: a connection being opened, messages to be confirmed."""
        connecting = self._connecting is not None or (self._client is not None and not self.is_online)
        return connecting or self._delivery.in_flight > 0

    # Starting and stopping.

    def start(self, delay_s: float = 0.0) -> None:
        """Connect, and stay connected until `stop` or `drop`."""
        self._running = True
        self._later("connect", delay_s, self._begin_connecting)

    async def stop(self, why: str, *, drain_s: float = 0.0) -> None:
        """Say goodbye and disconnect; before that, wait up to `drain_s` for the broker to confirm what is in flight."""
        self._running = False
        end = time.monotonic() + drain_s
        while self.is_online and self._delivery.in_flight and time.monotonic() < end:
            await asyncio.sleep(0.02)
        if self._client is not None and self.is_online:
            said = payloads.goodbye(boot=self._spool.boot, conn=self._conn, why=why)
            confirmed = self._delivery.say("state", said)
            await asyncio.wait({confirmed}, timeout=2.0)
            if self._client is not None:
                self._client.disconnect()
                self._flush()
        self._let_go()

    def drop(self, *, reconnect_after_s: float | None = None) -> None:
        """Break the connection without a goodbye, as a power cut does: the broker will publish the will."""
        self._running = reconnect_after_s is not None
        self._let_go()
        if reconnect_after_s is not None:
            self._later("connect", reconnect_after_s, self._begin_connecting)

    def wake(self) -> None:
        """Something was added to the spool: send it now when connected."""
        if self.is_online:
            self._check_clock()
            self._delivery.send()
            self._flush()

    def publish_info(self) -> None:
        """Describe the device again, for instance after its configuration changed."""
        if self.is_online:
            self._delivery.say("info", payloads.encode(self._described()))
            self._flush()

    # Connecting.

    def _begin_connecting(self) -> None:
        if self._running and self._connecting is None and self._client is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        """Open the connection in a thread (name look-up, TCP and TLS block), then serve it on the loop."""
        try:
            client = self._prepared_client()
            await asyncio.to_thread(client.reconnect)
        except (OSError, ValueError) as error:
            self.refusal = link.explain(error, self._config)
            self._retry()
            return
        except SpoolError as error:
            self.refusal = str(error)
            self._retry()
            return
        finally:
            self._connecting = None
        sock = client.socket()
        if not self._running or sock is None:
            link.abort(client)
            self._retry()
            return
        self._client, self._fd = client, sock.fileno()
        asyncio.get_running_loop().add_reader(self._fd, self._readable)
        self._later("connack", _CONNACK_WAIT_S, self._not_welcomed)
        self._flush()

    def _prepared_client(self) -> Client:
        self._conn = self._spool.next_conn()
        client = link.new_client(
            self._config, will=payloads.will(boot=self._spool.boot, conn=self._conn), receive=self._received
        )
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_socket_close = self._on_socket_close
        return client

    def _not_welcomed(self) -> None:
        if not self.is_online:
            self.refusal = f"the broker did not answer within {_CONNACK_WAIT_S:.0f} s"
            self._let_go()
            self._retry()

    def _retry(self) -> None:
        """Wait before the next attempt: doubling, from half to the full wait by chance, so that a fleet spreads out."""
        if not self._running:
            return
        wait = min(_BACKOFF_S[0] * 2**self._failures, _BACKOFF_S[1]) * (0.5 + self._around.random.random() / 2)
        self._failures = min(self._failures + 1, 10)
        logger.info("%s: not connected (%s); next attempt in %.1f s", self._config.devid, self.refusal, wait)
        self._later("connect", wait, self._begin_connecting)

    def _on_connect(self, client: Client, _data: object, flags: Any, code: ReasonCode, _p: Properties | None) -> None:
        if client is not self._client:
            return
        if code.is_failure:
            self.refusal = link.explain_code(code, self._config)
            return  # the broker closes the connection; _on_disconnect retries
        self._welcomed_at = self._around.monotonic()
        self.refusal = ""
        self._cancel("connack")
        self._delivery.connected(session_kept=bool(flags.session_present))
        client.subscribe([(topic, 1) for topic in self._listened])
        self._announce()
        self._delivery.say("info", payloads.encode(self._described()))
        self._delivery.send()
        self._later("tick", _TICK_S, self._tick)

    def _announce(self) -> None:
        self._clock = self._around.clock_quality()
        birth = payloads.birth(
            boot=self._spool.boot,
            conn=self._conn,
            now=self._around.now(),
            up_s=self._around.uptime_s(),
            clock=self._clock,
        )
        self._delivery.say("state", birth)

    def _described(self) -> dict[str, Any]:
        return {"v": payloads.VERSION, "boot": self._spool.boot, "interval_s": self._config.interval_s, **self._info()}

    def _check_clock(self) -> None:
        """A clock that got set, or lost its source, is announced: the centre treats our times by it."""
        if self._around.clock_quality() != self._clock:
            self._announce()

    def _on_subscribe(
        self, _client: Client, _data: object, _mid: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        for topic, code in zip(self._listened, codes, strict=False):
            if code.is_failure:
                logger.warning("%s: the broker refuses to let us read %s: %s", self._config.devid, topic, code)

    # Losing the connection.

    def _on_disconnect(self, client: Client, _data: object, _flags: Any, code: Any, _p: Properties | None) -> None:
        if client is not self._client:
            return
        self.refusal = self.refusal or f"the connection ended: {code}"
        if self._welcomed_at is not None and self._around.monotonic() - self._welcomed_at > _STEADY_S:
            self._failures = 0
        self._let_go()
        self._retry()

    def _let_go(self) -> None:
        """Forget the current connection without a word; what is in flight will be sent again."""
        client, self._client = self._client, None
        self._welcomed_at = None
        for name in list(self._timers):
            self._cancel(name)
        self._unwatch()
        self._delivery.disconnected()
        if client is not None:
            link.abort(client)

    def _on_socket_close(self, client: Client, _data: object, _sock: object) -> None:
        """Before paho closes it: another connection, opened in a thread, may get the same number at once."""
        if client is self._client:
            self._unwatch()

    def _unwatch(self) -> None:
        if self._fd >= 0:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._fd)
            loop.remove_writer(self._fd)
            self._fd, self._writing = -1, False

    # Reading and writing.

    def _readable(self) -> None:
        client = self._client
        if client is not None:
            link.read(client)
            self._flush()

    def _flush(self) -> None:
        """Write what paho holds; when the socket is full, go on as soon as it drains."""
        client = self._client
        if client is not None and client.want_write():
            client.loop_write()
        if self._client is None or client is not self._client or self._fd < 0:
            return
        if self._client.want_write() and not self._writing:
            asyncio.get_running_loop().add_writer(self._fd, self._flush)
            self._writing = True
        elif self._writing and not self._client.want_write():
            asyncio.get_running_loop().remove_writer(self._fd)
            self._writing = False

    def _tick(self) -> None:
        client = self._client
        if client is None:
            return
        self._later("tick", _TICK_S, self._tick)  # first: an error below must not end the keepalive
        client.loop_misc()
        if self._client is client:  # else the keepalive found the connection dead
            self._delivery.send()
            self._flush()

    def _publish(self, channel: str, payload: bytes) -> int | None:
        if self._client is None:
            return None
        return link.publish(self._client, self._config.up(channel), payload, channel)

    def _on_publish(self, client: Client, _data: object, mid: int, code: ReasonCode, _p: Properties | None) -> None:
        if client is self._client:
            self._delivery.confirmed(mid, code)

    # Listening.

    def _received(self, topic: str, payload: bytes) -> None:
        handler = self._listeners.get(topic)
        if handler is None and topics.concerns(topic, self._shard):
            handler = self._hear_server
        try:
            if handler is not None:
                handler(payload)
        except Exception:  # the edge: an exception in a callback would leave paho's reading half done
            logger.exception("%s: a message on %s could not be handled", self._config.devid, topic)

    def _hear_command(self, payload: bytes) -> None:
        if self._on_command is not None and payload:
            self._on_command(payload)

    def _hear_config(self, payload: bytes) -> None:
        if self._on_config is not None and payload:
            self._on_config(payload)

    def _hear_server(self, payload: bytes) -> None:
        """The centre listens again: describe ourselves once more, spread over some seconds, and send what it missed."""
        with contextlib.suppress(ValueError):
            state = json.loads(payload)
            if isinstance(state, dict) and state.get("s") == "online":
                wait = self._around.random.uniform(0, _REPUBLISH_JITTER_S)
                self._later("info", wait, self._greet_centre)

    def _greet_centre(self) -> None:
        self._delivery.hurry()
        self.publish_info()

    # Timers.

    def _later(self, name: str, delay_s: float, do: Callable[[], None]) -> None:
        """Run `do` after a while; a timer of the same name that still waits is replaced."""
        self._cancel(name)
        self._timers[name] = asyncio.get_running_loop().call_later(delay_s, do)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
