"""Reading from a source without ever waiting longer for it than was said, whatever it does.

A statement on a foreign table can hang where no timeout reaches: a server that is there and silent. So each source has
one thread of its own in a process, with a database connection of its own. Who asks waits for the thread as long as the
source may take, and then goes on with an error while the thread stays behind; until it is back the source is busy, and
others are told so at once. A dead source can so hold one thread that nobody else needs.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitedTooLong
from dataclasses import dataclass, field
from typing import Any

from django.db import close_old_connections, connection
from django.utils.translation import gettext as _

from layers.database import statement_limit_ms
from layers.sources.errors import SourceFailed

GRACE_S = 0.5
"""More than the statement's own timeout, so that the database's word comes first where it can."""
TURN_S = 2.0
"""How long to wait for one's turn at a source that others are reading and that answers."""


@dataclass(slots=True)
class _Desk:
    """The thread of one source and the work that waits for it."""

    work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any], contextvars.Context]] = field(
        default_factory=queue.SimpleQueue
    )
    turn: threading.Lock = field(default_factory=threading.Lock)
    is_stuck: bool = False
    """It was given up on and has not come back."""


_desks: dict[int, _Desk] = {}
_lock = threading.Lock()
_within: contextvars.ContextVar[frozenset[int]] = contextvars.ContextVar("reading_sources", default=frozenset())


def is_within(source: int) -> bool:
    """Whether this code is already being run for a source, by `call`."""
    return source in _within.get()


def call[T](source: int, timeout_ms: int, read: Callable[[], T]) -> T:
    """Run a read for a source in its thread. Raises SourceFailed (slow) when it takes too long, else what it raises.

    A read that touches a second source while running for a first stays in the thread and the time of the first.
    """
    if _within.get():
        token = _within.set(_within.get() | {source})
        try:
            return read()
        finally:
            _within.reset(token)
    desk = _desk(source)
    if desk.is_stuck or not desk.turn.acquire(timeout=min(TURN_S, timeout_ms / 1000)):
        raise SourceFailed(_("Un'altra lettura aspetta ancora la sua risposta."), is_slow=True)
    try:
        return _given(desk, source, timeout_ms, read)
    finally:
        desk.turn.release()


def each[T](source: int, timeout_ms: int, parts: Iterator[T]) -> Iterator[T]:
    """The parts of an iterator, each made in the thread of the source within the time."""
    end = object()
    try:
        while (part := call(source, timeout_ms, lambda: next(parts, end))) is not end:
            yield part  # type: ignore[misc]
    finally:
        close = getattr(parts, "close", None)
        if close is not None and not _desk(source).is_stuck:
            close()


def _given[T](desk: _Desk, source: int, timeout_ms: int, read: Callable[[], T]) -> T:
    context = contextvars.copy_context()
    context.run(_within.set, frozenset({source}))
    context.run(statement_limit_ms.set, timeout_ms)
    future: Future[T] = Future()
    desk.work.put((read, future, context))
    try:
        return future.result(timeout_ms / 1000 + GRACE_S)
    except WaitedTooLong:
        if future.done():
            raise
        desk.is_stuck = True
        if future.done():
            # It came back between the two lines, and did not see that it was given up on.
            desk.is_stuck = False
        raise SourceFailed(
            _("Non ha risposto entro %(limit).1f s.") % {"limit": timeout_ms / 1000}, is_slow=True
        ) from None


def _desk(source: int) -> _Desk:
    with _lock:
        desk = _desks.get(source)
        if desk is None:
            desk = _desks[source] = _Desk()
            threading.Thread(target=_serve, args=(desk,), name=f"source {source}", daemon=True).start()
    return desk


def _serve(desk: _Desk) -> None:
    while True:
        read, future, context = desk.work.get()
        close_old_connections()
        try:
            future.set_result(context.run(read))
        except BaseException as error:  # the edge of a thread: whatever it was belongs to who asked
            future.set_exception(error)
        if desk.is_stuck:
            # What it was waiting on is in no state to be used again.
            connection.close()
            desk.is_stuck = False
