"""Bodies: read to their end whatever the view has read, and no header of one where there is none."""

from io import BytesIO

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest, HttpResponse

from geoportal.bodies import CHUNK_BYTES, Bodies

SIZE = 3 * CHUNK_BYTES + 7


def sent(content: BytesIO, view: object) -> HttpResponse:
    request = WSGIRequest(
        {"REQUEST_METHOD": "POST", "PATH_INFO": "/x", "CONTENT_LENGTH": str(SIZE), "wsgi.input": content}
    )
    response = Bodies(view)(request)  # type: ignore[arg-type]
    assert isinstance(response, HttpResponse)
    return response


@pytest.mark.parametrize("read_bytes", [0, 1, SIZE])
def test_what_a_view_leaves_unread_is_read(read_bytes: int) -> None:
    content = BytesIO(b"x" * SIZE + b"of the next request")
    answer = sent(content, lambda request: HttpResponse(str(len(request.read(read_bytes))), status=405))
    assert answer.status_code == 405 and content.tell() == SIZE


def test_a_body_that_was_parsed_is_left_alone() -> None:
    content = BytesIO(b"x" * SIZE)
    assert sent(content, lambda request: HttpResponse(request.body)).content == b"x" * SIZE


def test_a_client_that_leaves_in_the_middle_is_nobody_to_complain_to() -> None:
    class Gone(BytesIO):
        def read(self, _size: int | None = -1) -> bytes:
            raise OSError("gone")

    assert sent(Gone(), lambda _request: HttpResponse(status=413)).status_code == 413


@pytest.mark.parametrize(("status", "says_type"), [(200, True), (404, True), (204, False), (304, False)])
def test_an_answer_without_a_body_says_nothing_of_one(status: int, says_type: bool) -> None:
    def view(_request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=status, headers={"Content-Length": "0"})

    answer = Bodies(view)(HttpRequest())
    assert answer.has_header("Content-Type") is says_type and answer.has_header("Content-Length") is says_type
