"""pygeoapi inside this process: one `API` per catalogue version, audience and public address, never one per request."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from pygeoapi.api import API, APIRequest

from layers.catalogue import Catalogue
from layers.rights import Audience
from ogc.config import build

KEPT = 32
"""Versions, audiences and addresses held at once; an old version falls out by itself."""

_apis: OrderedDict[tuple[int, Audience, str], API] = OrderedDict()
_lock = threading.Lock()


class _Bare:
    """A request with nothing in it but a language: what a client sent never reaches pygeoapi."""

    path_info = ""
    body = b""

    def __init__(self, language: str) -> None:
        self.headers = {"accept-language": language}
        self.GET: dict[str, str] = {}


class Question(APIRequest):  # type: ignore[misc]
    """A question to pygeoapi for a document as JSON in one language."""

    def _get_format(self, headers: dict[str, str], extra_formats: dict[str, str] | None = None) -> str:
        return "json"


def api_for(held: Catalogue, audience: Audience, base: str) -> API:
    """The API of this version as this audience sees it."""
    key = (held.version, audience, base)
    with _lock:
        api = _apis.get(key)
        if api is None:
            api = _apis[key] = API(build(held, audience, base), openapi={})
            while len(_apis) > KEPT:
                _apis.popitem(last=False)
        else:
            _apis.move_to_end(key)
    return api


def ask_pygeoapi(function: Callable[..., Any], api: API, language: str, *args: str) -> dict[str, Any]:
    """The JSON document one of pygeoapi's API functions makes. Raises RuntimeError when it makes none."""
    _, status, content = function(api, Question(_Bare(language), api.locales), *args)
    if status != 200:
        raise RuntimeError(f"pygeoapi answered {status} to {function.__name__}: {content[:300]}")
    document: dict[str, Any] = json.loads(content)
    return document
