"""Why a file does not go in. The text is for the person who brought the file: what was found, what to do."""

from layers.errors import LayersError


class ImportRefused(LayersError):
    """This file or layer cannot become a layer of the catalogue; nothing of it was kept."""


class ImportCancelled(LayersError):
    """Whoever asked for the import called it off; nothing of it was kept."""
