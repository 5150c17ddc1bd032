"""Reading an allowed http(s) address: pinned to what was checked, within a time and a size, redirections too."""

from __future__ import annotations

import base64
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urljoin

from django.utils.translation import gettext as _

from layers.sources.addresses import WebPlace, web_place
from layers.sources.errors import SourceErred, SourceFailed

MOST_REDIRECTS = 5
CONNECT_S = 5.0
_CHUNK = 65_536
_REDIRECTS = {301, 302, 303, 307, 308}
USER_AGENT = "geoportale-cremona"

Sink = Callable[[bytes], object]


@dataclass(slots=True)
class Budget:
    """What one reading may cost in all, however many requests it takes."""

    seconds: float
    bytes: int
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = time.monotonic() + self.seconds

    @property
    def left_s(self) -> float:
        """Seconds left. Raises SourceFailed when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise SourceFailed(_("Ha impiegato più di %(most).0f s.") % {"most": self.seconds}, is_slow=True)
        return left

    def spend(self, size: int) -> None:
        """Note bytes that came. Raises SourceFailed when they are too many."""
        self.bytes -= size
        if self.bytes < 0:
            raise SourceFailed(_("La risposta supera la dimensione massima."))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `url` is where it came from in the end; the body went to the sink."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    url: str

    @property
    def media(self) -> str:
        """Media type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


def fetch(
    url: str, budget: Budget, sink: Sink, *, credentials: str = "", headers: Mapping[str, str] | None = None
) -> Answer:
    """GET an address into a sink. Credentials are "name:password" or a bare token, and go to the first origin alone.

    A status of 200 or 304 comes back; raises SourceRefused for an address that is not allowed, and SourceFailed.
    """
    first = None
    for _turn in range(MOST_REDIRECTS + 1):
        place = web_place(url)
        first = first or place.origin
        asked = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **(headers or {})}
        if credentials and place.origin == first:
            asked["Authorization"] = _authorization(credentials)
        answer = _one(url, place, budget, sink, asked)
        if answer.status not in _REDIRECTS:
            return _checked(answer, place)
        target = answer.headers.get("location", "")
        if not target:
            raise SourceFailed(_("%(host)s rimanda altrove senza dire dove.") % {"host": place.place.host})
        url = urljoin(url, target)
    raise SourceFailed(_("Rimanda altrove più di %(most)d volte.") % {"most": MOST_REDIRECTS})


def fetched(
    url: str, budget: Budget, *, credentials: str = "", headers: Mapping[str, str] | None = None
) -> tuple[Answer, bytes]:
    """As `fetch`, with the body in memory: for documents and pictures, whose budget is small."""
    body = bytearray()
    answer = fetch(url, budget, body.extend, credentials=credentials, headers=headers)
    return answer, bytes(body)


def _checked(answer: Answer, place: WebPlace) -> Answer:
    if answer.status in (200, 304):
        return answer
    words = {401: _("vuole altre credenziali"), 403: _("non lo permette"), 404: _("non ha questo indirizzo")}
    said = words.get(answer.status, http.client.responses.get(answer.status, ""))
    raise SourceErred(f"{place.place.host}: {answer.status} {said}".strip())


def _one(url: str, place: WebPlace, budget: Budget, sink: Sink, headers: Mapping[str, str]) -> Answer:
    host = place.place.host
    try:
        with _connected(place, budget) as link:
            link.request("GET", place.path, headers=dict(headers))
            response = link.getresponse()
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, url)
            # The bodies of errors and redirections are nobody's data.
            while response.status == 200 and (chunk := response.read1(_CHUNK)):
                budget.spend(len(chunk))
                sink(chunk)
            # A line that the watch hung up ends like one that is through.
            budget.left_s  # noqa: B018
            length = answer.headers.get("content-length", "")
            if response.status == 200 and response.length not in (None, 0):
                raise SourceFailed(
                    _("%(host)s ha interrotto la risposta (%(bytes)s byte).") % {"host": host, "bytes": length}
                )
    except (OSError, http.client.HTTPException, ValueError) as error:
        budget.left_s  # noqa: B018  when the time is up, that is what is said
        raise SourceFailed(f"{host}: {_reason(error)}", is_slow=isinstance(error, TimeoutError)) from error
    return answer


@contextmanager
def _connected(place: WebPlace, budget: Budget) -> Iterator[http.client.HTTPConnection]:
    """A connection to the checked IP address that still speaks for the host's name (SNI, certificate, Host).

    A timeout of the socket starts again with each byte; the watch ends the connection when the time is up for good.
    """
    where = place.place
    plain = socket.create_connection((where.ip, where.port), timeout=min(CONNECT_S, budget.left_s))
    # TLS takes the socket over; its twin stays ours to hang up by.
    twin = plain.dup()
    watch = threading.Timer(budget.left_s, _hang_up, (twin,))
    watch.daemon = True
    watch.start()
    link: http.client.HTTPConnection | None = None
    try:
        plain.settimeout(budget.left_s)
        if place.scheme == "https":
            context = ssl.create_default_context()
            link = http.client.HTTPSConnection(where.host, where.port, context=context)
            link.sock = context.wrap_socket(plain, server_hostname=where.host)
        else:
            link = http.client.HTTPConnection(where.host, where.port)
            link.sock = plain
        yield link
    finally:
        watch.cancel()
        if link is not None:
            link.close()
        plain.close()
        twin.close()


def _hang_up(plain: socket.socket) -> None:
    with suppress(OSError):
        plain.shutdown(socket.SHUT_RDWR)


def _authorization(credentials: str) -> str:
    if ":" in credentials:
        return "Basic " + base64.b64encode(credentials.encode()).decode()
    return f"Bearer {credentials}"


def _reason(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return _("non risponde in tempo")
    if isinstance(error, ConnectionRefusedError):
        return _("rifiuta la connessione")
    if isinstance(error, ConnectionResetError):
        return _("ha chiuso la connessione senza rispondere")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _("il suo certificato non è valido: %(why)s") % {"why": error.verify_message}
    return f"{type(error).__name__}: {error}"[:300]
