"""What can go wrong in the catalogue. `ogc` and the site translate these once, at their edge."""


class LayersError(Exception):
    """Base of the family."""


class LayerNotFound(LayersError):
    """No published layer of this name that the asker may see; the same for both, so that names cannot be probed."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"There is no layer {slug[:80]!r}, or it is not open to you; /ogc/collections lists those that are."
        )
        self.slug = slug


class FeatureNotFound(LayersError):
    """A layer has no feature of this identifier."""

    def __init__(self, slug: str, identifier: str) -> None:
        super().__init__(f"Layer {slug!r} has no feature {identifier[:80]!r}; its items list those there are.")


class OutOfDate(LayersError):
    """A feature was changed after the writer read it."""

    def __init__(self, slug: str, identifier: str) -> None:
        super().__init__(
            f"Feature {identifier[:80]!r} of {slug!r} is not the one of If-Match any more: read it again, then write."
        )


class BadQuery(LayersError):
    """A question that cannot be put to the data: the text names the parameter, what came and what is allowed."""

    def __init__(self, parameter: str, text: str) -> None:
        super().__init__(f"{parameter}: {text}")
        self.parameter = parameter


class NothingThere(BadQuery):
    """A part of the data that lies wholly outside it."""


class UnknownCrs(LayersError):
    """A CRS the services do not offer."""

    def __init__(self, name: str, offered: str) -> None:
        super().__init__(f"CRS {name[:120]!r} is not offered here; use one of {offered}, as a URI of the collection.")


class QueryTooSlow(LayersError):
    """The database gave up after the statement timeout."""

    def __init__(self) -> None:
        super().__init__("The question takes too long to answer; ask for a smaller area, fewer features or no sorting.")


class TileOutOfRange(LayersError):
    """A tile address outside the tile matrix set or the layer's zoom range."""


class RasterUnreadable(LayersError):
    """A raster layer whose file is missing or not what the catalogue says."""


class StyleNotFound(LayersError):
    """A layer has no style of this name that the asker may be shown."""

    def __init__(self, slug: str, name: str, known: list[str]) -> None:
        super().__init__(f"Layer {slug!r} has no style {name[:80]!r}; it has {', '.join(known)}.")


class SourceAway(LayersError):
    """A layer is read from another office's server, and that server does not answer; every other layer does."""

    def __init__(self, slug: str, since: str, retry_s: int) -> None:
        super().__init__(
            f"Layer {slug!r} comes from another server, which has not answered since {since}; it is tried again by "
            "itself, and so may you later. The other layers are not affected; /fonti/ shows how it is doing."
        )
        self.slug, self.since, self.retry_s = slug, since, retry_s


class RemoteAnswerUnread(LayersError):
    """The server that a layer comes from answers, but not what was asked."""

    def __init__(self, slug: str, text: str) -> None:
        super().__init__(f"Layer {slug!r} comes from another server, which could not tell of this point: {text[:300]}")


class DrawingFailed(LayersError):
    """The picture could not be drawn; the log says why."""

    def __init__(self) -> None:
        super().__init__("The map could not be drawn; ask for a smaller area, or try again later.")
