"""What can go wrong with a source."""

from __future__ import annotations

from layers.errors import LayersError


class SourceRefused(LayersError):
    """What was asked of a source cannot be: the text says what was asked, found, and what to do."""


class SourceFailed(LayersError):
    """The source did not answer, or not as it should; the text says how."""

    def __init__(self, text: str, *, is_slow: bool = False) -> None:
        super().__init__(text[:500])
        self.is_slow = is_slow
        """It was there but took too long: a single slow answer does not close it."""


class SourceErred(SourceFailed):
    """The source answers, with an error or with something that was not asked for."""


class SourceChanged(SourceFailed):
    """The source answers, but its data has another shape than the one the layer was made from."""
