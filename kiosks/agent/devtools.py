"""One page of a Chromium, spoken to over the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

The browser runs with `--remote-debugging-port` on this machine. A connection lasts for one question or one order.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

import websocket

_ANSWER_S = 3.0
_LOAD_S = 20.0


class BrowserAway(Exception):
    """The browser does not answer, or shows no page; the text says which."""


class Tab:
    """An open connection to the page that the browser shows."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._number = 0
        self._events: list[Mapping[str, Any]] = []

    def ask(self, method: str, **parameters: Any) -> Mapping[str, Any]:
        """Run one method and give its result. Raises BrowserAway."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        end = time.monotonic() + _ANSWER_S
        while True:
            message = self._receive(end, method)
            if message.get("id") != self._number:
                self._events.append(message)
                continue
            if "error" in message:
                raise BrowserAway(f"the browser refuses {method}: {message['error'].get('message', '')}")
            result: Mapping[str, Any] = message.get("result", {})
            return result

    def count(self, event: str) -> int:
        """How many events of this name have come so far."""
        return sum(one.get("method") == event for one in self._events)

    def wait_for(self, event: str) -> None:
        """Wait until an event of this name has come. Raises BrowserAway."""
        end = time.monotonic() + _LOAD_S
        while not self.count(event):
            self._events.append(self._receive(end, event))

    def evaluate(self, expression: str) -> Any:
        """The value of an expression in the page. Raises BrowserAway, also for an exception in the page."""
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise BrowserAway(f"the page does not take it: {answer['exceptionDetails'].get('text', '')}")
        return answer["result"].get("value")

    def _receive(self, end: float, awaited: str) -> Mapping[str, Any]:
        left = end - time.monotonic()
        if left <= 0:
            raise BrowserAway(f"the page does not answer ({awaited})")
        self._socket.settimeout(left)
        try:
            message: Mapping[str, Any] = json.loads(self._socket.recv())
        except websocket.WebSocketTimeoutException as error:
            raise BrowserAway(f"the page does not answer ({awaited})") from error
        except (websocket.WebSocketException, OSError, ValueError) as error:
            raise BrowserAway(f"the browser broke the connection: {error}") from error
        return message


@contextlib.contextmanager
def shown_page(address: str) -> Iterator[Tab]:
    """A connection to the page in front. `address` as in http://127.0.0.1:9222. Raises BrowserAway."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/json/list", timeout=_ANSWER_S) as answer:  # noqa: S310
            pages = [one for one in json.loads(answer.read()) if one.get("type") == "page"]
        if not pages:
            raise BrowserAway(f"the browser on {address} shows no page")
        # Chromium takes no connection that names an origin.
        socket = websocket.create_connection(
            pages[0]["webSocketDebuggerUrl"], timeout=_ANSWER_S, suppress_origin=True, enable_multithread=False
        )
    except (OSError, ValueError, KeyError, websocket.WebSocketException) as error:
        raise BrowserAway(f"the browser does not answer on {address}: {error}") from error
    try:
        yield Tab(socket)
    finally:
        # close() would wait for the browser's goodbye.
        socket.shutdown()  # type: ignore[no-untyped-call]
