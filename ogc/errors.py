"""What a service answers when it cannot: one family, and the table from the catalogue's errors to HTTP."""

from __future__ import annotations

from layers import errors as layers_errors
from layers.processes.jobs import TooManyJobs
from layers.processes.model import ProcessNotFound
from layers.sources.errors import SourceFailed

NO_SUCH_PROCESS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/no-such-process"


class OgcError(Exception):
    """An answer other than the one asked for: HTTP status, OGC exception code, a text that says what to do.

    `type` is the URI of the kind of problem where a standard names one (Processes, 7.13: RFC 7807).
    """

    def __init__(self, status: int, code: str, description: str, type: str = "") -> None:
        super().__init__(description)
        self.status, self.code, self.description, self.type = status, code, description, type


class InvalidParameter(OgcError):
    """A parameter that is not known here, or whose value cannot be used."""

    def __init__(self, description: str) -> None:
        super().__init__(400, "InvalidParameterValue", description)


class NotFound(OgcError):
    """Nothing at this address."""

    def __init__(self, description: str) -> None:
        super().__init__(404, "NotFound", description)


_TABLE: tuple[tuple[type[layers_errors.LayersError], int, str], ...] = (
    (layers_errors.LayerNotFound, 404, "NotFound"),
    (layers_errors.FeatureNotFound, 404, "NotFound"),
    (layers_errors.StyleNotFound, 404, "NotFound"),
    (layers_errors.TileOutOfRange, 404, "NotFound"),
    (layers_errors.OutOfDate, 412, "PreconditionFailed"),
    (layers_errors.NothingThere, 404, "NotFound"),
    (layers_errors.BadQuery, 400, "InvalidParameterValue"),
    (layers_errors.UnknownCrs, 400, "InvalidParameterValue"),
    (TooManyJobs, 503, "ServerBusy"),
    (layers_errors.QueryTooSlow, 503, "ServerBusy"),
    (layers_errors.SourceAway, 503, "SourceAway"),
    (SourceFailed, 503, "SourceAway"),
    (layers_errors.RemoteAnswerUnread, 502, "NoApplicableCode"),
    (layers_errors.DrawingFailed, 500, "NoApplicableCode"),
    (layers_errors.RasterUnreadable, 503, "NoApplicableCode"),
)


def translated(error: layers_errors.LayersError) -> OgcError:
    """The HTTP form of what went wrong in the catalogue."""
    if isinstance(error, ProcessNotFound):
        return OgcError(404, "NoSuchProcess", str(error), NO_SUCH_PROCESS)
    for kind, status, code in _TABLE:
        if isinstance(error, kind):
            return OgcError(status, code, str(error))
    return broken()


def broken() -> OgcError:
    """What is told of an error of ours."""
    return OgcError(500, "NoApplicableCode", "The request could not be answered; the log of the service says why.")
