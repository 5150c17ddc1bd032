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
