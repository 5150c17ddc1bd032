"""Taking an upload off the wire: to disk as it comes, up to a cap, whatever length the request claims."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

View = Callable[..., HttpResponse]
UPLOAD_BYTES = 2 * 1024**3
"""As in deploy/nginx.conf.in."""


class IncomingFile(TemporaryUploadedFile):
    """A file on its way, on the disk that keeps uploads; gone when it is closed."""

    def __init__(self, name: str, content_type: str) -> None:
        folder = Path(settings.VAR_DIR) / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        held = tempfile.NamedTemporaryFile(prefix="incoming-", dir=folder)  # noqa: SIM115 (Django closes it)
        UploadedFile.__init__(self, held, name, content_type, 0)


class CappedHandler(TemporaryFileUploadHandler):
    """Writes every file to the disk as it comes, and stops at the cap over all files of the request."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._left = UPLOAD_BYTES

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        FileUploadHandler.new_file(self, *args, **kwargs)
        self.file = IncomingFile(str(self.file_name), str(self.content_type))

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._left -= len(raw_data)
        if self._left < 0:
            if self.request is not None:
                self.request.META["geoportal.too_large"] = True
            raise StopUpload(connection_reset=True)
        super().receive_data_chunk(raw_data, start)


def receives_files(view: View) -> View:
    """Install the handler before anything reads the body: Django's own check against forgery does."""

    @csrf_exempt
    @wraps(view)
    def receiving(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            if int(request.META.get("CONTENT_LENGTH") or 0) > UPLOAD_BYTES + 1_000_000:
                return HttpResponse(too_large(), status=413, content_type="text/plain; charset=utf-8")
            request.upload_handlers = [CappedHandler(request)]
        answer: HttpResponse = csrf_protect(view)(request, *args, **kwargs)
        return answer

    return receiving


def too_large() -> str:
    """What to say of a request over the cap."""
    return _("L'invio supera %(most)s GB: dividerlo, o importarlo dal server con import_layer.") % {
        "most": UPLOAD_BYTES // 1024**3
    }
