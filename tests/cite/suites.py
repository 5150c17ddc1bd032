"""The OGC compliance suites that concern us: which archive, and what each is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Suite:
    """One suite: name and version of its archive (org.opengis.cite), and its arguments for a site's address."""

    artifact: str
    version: str
    arguments: Callable[[str], dict[str, str]]

    @property
    def jar(self) -> str:
        return f"{self.artifact}-{self.version}-aio.jar"


def _tiles(site: str) -> dict[str, str]:
    middle = {
        "tilematrix": "14",
        "mintilerow": "5900",
        "maxtilerow": "5901",
        "mintilecol": "8648",
        "maxtilecol": "8649",
    }
    return {
        "iut": f"{site}/ogc",  # it puts /conformance behind it
        "tilematrixsetdefinitionuri": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
        "urltemplatefortiles": f"{site}/ogc/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt",
        "noofcollections": "-1",
        **middle,
    }


SUITES = {
    "features": Suite("ets-ogcapi-features10", "1.9", lambda site: {"iut": f"{site}/ogc/", "noofcollections": "-1"}),
    "tiles": Suite("ets-ogcapi-tiles10", "1.2", _tiles),
    "processes": Suite(
        "ets-ogcapi-processes10",
        "1.3",
        lambda site: {
            "iut": f"{site}/ogc/",
            "echoprocessid": "echo",
            "processtestlimit": "10",
            "testallprocesses": "false",
            "uselocalschema": "true",
        },
    ),
    "edr": Suite(
        "ets-ogcapi-edr10",
        "1.3",
        lambda site: {"iut": f"{site}/ogc/", "apiDefinition": f"{site}/ogc/openapi?f=json", "noofcollections": "-1"},
    ),
    "wfs": Suite(
        "ets-wfs20",
        "1.25",
        lambda site: {"wfs": f"{site}/ogc/wfs?service=WFS&version=2.0.0&request=GetCapabilities"},
    ),
}
