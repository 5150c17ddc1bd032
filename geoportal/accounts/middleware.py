"""Programs sign in with an access token at every address: pages, services, APIs."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from geoportal.accounts.throttle import TOKEN_ADDRESS, client_address
from geoportal.accounts.tokens import Presented, find, read_header

REALM = "Geoportale Cremona"


class TokenMiddleware:
    """Replaces the session's user by the token's. Without an `Authorization` header it does nothing at all."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        header = request.META.get("HTTP_AUTHORIZATION")
        presented = read_header(header) if header else None
        if presented is None:
            return self.get_response(request)
        user = find(presented)
        if user is None:
            return refusal(request, presented)
        request.user = user
        if not _came_by_itself(request, presented):
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        response = self.get_response(request)
        patch_vary_headers(response, ["Authorization"])
        return response


def _came_by_itself(request: HttpRequest, presented: Presented) -> bool:
    """A browser repeats Basic credentials on its own, for pages of other sites too: its writes need a CSRF token."""
    return presented.scheme == "basic" and ("Origin" in request.headers or "Sec-Fetch-Site" in request.headers)


def refusal(request: HttpRequest, presented: Presented) -> JsonResponse:
    """401 for a wrong token, 429 after too many from one address."""
    address = client_address(request)
    if TOKEN_ADDRESS.failed(address) > TOKEN_ADDRESS.limit:
        wait_s = max(1, TOKEN_ADDRESS.wait_s(address))
        text = f"Too many wrong tokens from this address; try again in {wait_s} s."
        return _answer(429, "TooManyRequests", text, {"Retry-After": str(wait_s)})
    text = (
        "The access token is wrong, expired or revoked. Make one at /profilo/gettoni/ and send it as the password of "
        "HTTP Basic or as a bearer token; the password of an account does not work here."
    )
    challenge = f'Basic realm="{REALM}", charset="UTF-8"'
    if presented.scheme == "bearer":
        challenge = f'Bearer realm="{REALM}", error="invalid_token"'
    return _answer(401, "Unauthorized", text, {"WWW-Authenticate": challenge})


def _answer(status: int, code: str, text: str, headers: dict[str, str]) -> JsonResponse:
    more = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*", "Vary": "Authorization"}
    return JsonResponse({"code": code, "description": text}, status=status, headers={**headers, **more})
