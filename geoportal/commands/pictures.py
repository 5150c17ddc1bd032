"""`/api/schermate/{id}`: a totem hands in the picture of a screenshot command, technicians look at it."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from geoportal.commands.api import refuse, technicians_api, visible_command
from geoportal.monitoring.commands.dispatch import SQL, upload_key
from geoportal.monitoring.models import DeviceCommand, Screenshot

MOST_BYTES = 200_000
MOST_PIXELS = 8000
KEEP = 10
"""Pictures kept of each device: the newest."""
KEY_HEADER = "X-Upload-Key"
_LATE = timedelta(minutes=5)
_SIZES = frozenset({0xC0, 0xC1, 0xC2})
"""Start of frame: baseline, extended, progressive."""


class NotJpeg(ValueError):
    """The bytes are no JPEG picture."""


@csrf_exempt
@require_http_methods(["GET", "HEAD", "PUT"])
def picture(request: HttpRequest, id: uuid.UUID) -> HttpResponse:
    """PUT once by the device, with the key that came with its command; GET by technicians."""
    return _take(request, id) if request.method == "PUT" else _show(request, id)


@technicians_api
def _show(request: HttpRequest, number: uuid.UUID) -> HttpResponse:
    command = visible_command(request, number)
    found = Screenshot.objects.filter(command=command).first() if command else None
    if found is None:
        return refuse(404, "no_picture", _("Non c'è nessuna schermata con questo numero: si tengono le ultime."))
    # Bytes from outside: whatever they are, a browser shows a picture or nothing.
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox; default-src 'none'"}
    return HttpResponse(bytes(found.image), content_type="image/jpeg", headers=headers)


def _take(request: HttpRequest, number: uuid.UUID) -> HttpResponse:
    given = request.headers.get(KEY_HEADER, "")
    # Compared before the database is asked: a wrong key learns nothing, not even whether there is such a command.
    if not constant_time_compare(given.encode(), upload_key(str(number)).encode()):
        return refuse(403, "wrong_key", "the key is not the one of this command")
    size = request.headers.get("Content-Length", "")
    if not (size.isascii() and size.isdigit() and len(size) < 9) or int(size) > MOST_BYTES:
        return refuse(413, "too_large", f"a picture has at most {MOST_BYTES} bytes; Content-Length says {size!r}")
    image = request.body
    try:
        width, height = jpeg_size(image)
    except NotJpeg as error:
        return refuse(415, "not_jpeg", str(error))
    return _keep(number, image, width, height)


def _keep(number: uuid.UUID, image: bytes, width: int, height: int) -> HttpResponse:
    now = timezone.now()
    try:
        with transaction.atomic():
            command = DeviceCommand.objects.select_for_update(no_key=True).filter(pk=number, op="screenshot").first()
            if command is None or not command.is_open or command.expires_at + _LATE < now:
                return refuse(410, "too_late", "the command is over: no picture is expected")
            Screenshot.objects.create(command=command, image=image, width=width, height=height, received_at=now)
            with connection.cursor() as cursor:
                cursor.execute(SQL["keep_newest_pictures"], {"device": command.device_id, "keep": KEEP})
    except IntegrityError:
        return refuse(409, "already_there", "the picture of this command has been handed in already")
    return HttpResponse(status=204)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the frame header. Raises NotJpeg. Source: ITU-T T.81, B.2.2."""
    if data[:3] != b"\xff\xd8\xff" or data[-2:] != b"\xff\xd9":
        raise NotJpeg("the body is no whole JPEG picture")
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if marker in _SIZES:
            height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
            if 0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS:
                return width, height
            raise NotJpeg(f"the picture claims to have {width} by {height} pixels; at most {MOST_PIXELS} each way")
        at += 2 + length
    raise NotJpeg("the JPEG has no frame header")
