"""Access tokens: what they open, and how each way of closing them holds at once."""

from __future__ import annotations

import base64
import shutil
import subprocess
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from geoportal.accounts import tokens
from geoportal.accounts.models import AccessToken
from geoportal.accounts.throttle import TOKEN_ADDRESS
from geoportal.models import User
from layers.models import Access, Layer
from layers.rights import TECHNICIANS
from tests.geodata import drop, forget_catalogue, make_layer
from tests.liveserver import served
from tests.ogc.conftest import NUMBERS

HIDDEN = "/ogc/collections/interni/items"


@pytest.fixture
def technician(db: None) -> User:
    user = User.objects.create_user("una-tecnica", password="prova-di-accesso-1")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    return user


@pytest.fixture
def hidden(db: None) -> Layer:
    layer = make_layer(
        "interni", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, access=Access.INTERNAL
    )
    forget_catalogue()
    return layer


def basic(secret: str, name: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_a_token_opens_what_its_owner_may_see_and_makes_no_session(technician: User, hidden: Layer) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    assert Client().get(HIDDEN).status_code == 404
    for headers in (basic(secret), basic(secret, "una-tecnica"), basic(secret, "chiunque"), bearer(secret)):
        response = Client().get(HIDDEN, headers=headers)
        assert response.status_code == 200
        assert "private" in response["Cache-Control"] and "Authorization" in response["Vary"]
        assert not response.cookies


def test_the_secret_is_not_in_the_database(technician: User) -> None:
    token, secret = tokens.create(technician, "QGIS", None)
    row = AccessToken.objects.values_list().get(pk=token.pk)
    assert secret not in repr(row) and secret[8:].encode() not in repr(row).encode()


@pytest.mark.parametrize("way", ["revoked", "expired", "inactive", "deleted"])
def test_a_closed_token_is_refused_from_the_next_request_on(technician: User, hidden: Layer, way: str) -> None:
    token, secret = tokens.create(technician, "QGIS", None)
    assert Client().get(HIDDEN, headers=bearer(secret)).status_code == 200
    if way == "revoked":
        tokens.revoke(token)
    elif way == "expired":
        AccessToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    elif way == "inactive":
        User.objects.update(is_active=False)
    else:
        technician.delete()
    response = Client().get(HIDDEN, headers=bearer(secret))
    assert response.status_code == 401 and response["WWW-Authenticate"].startswith("Bearer ")


def test_leaving_a_group_holds_at_once(technician: User, hidden: Layer) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    technician.groups.clear()
    assert Client().get(HIDDEN, headers=bearer(secret)).status_code == 404


@pytest.mark.parametrize("secret", ["", "prova-di-accesso-1", "gpc_" + "x" * 43, "gpc_é\x00", "a" * 5000])
def test_anything_else_is_refused_also_where_all_may_read(technician: User, secret: str) -> None:
    response = Client().get("/ogc/collections", headers=basic(secret, "una-tecnica"))
    assert response.status_code == 401 and response["WWW-Authenticate"].startswith("Basic realm=")
    assert response["Cache-Control"] == "no-store" and "gettoni" in response.json()["description"]


def test_without_a_token_nobody_is_asked_for_one(db: None) -> None:
    response = Client().get(HIDDEN)
    assert response.status_code == 404 and "WWW-Authenticate" not in response


def test_another_scheme_is_left_to_whoever_knows_it(db: None) -> None:
    assert Client().get("/ogc/collections", headers={"Authorization": "Digest a=b"}).status_code == 200


def test_many_wrong_tokens_are_slowed_and_a_good_one_still_works(technician: User, hidden: Layer) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    found = [Client().get("/ogc/", headers=bearer("gpc_wrong")).status_code for _ in range(TOKEN_ADDRESS.limit + 1)]
    assert found == [401] * TOKEN_ADDRESS.limit + [429]
    refused = Client().get("/ogc/", headers=bearer("gpc_wrong"))
    assert 0 < int(refused["Retry-After"]) <= TOKEN_ADDRESS.window_s
    assert Client().get(HIDDEN, headers=bearer(secret)).status_code == 200


def test_an_anonymous_request_asks_the_database_nothing_about_accounts(hidden: Layer) -> None:
    with CaptureQueriesContext(connection) as asked:
        Client().get("/ogc/collections?f=json")
    assert [query["sql"] for query in asked if "geoportal_" in query["sql"]] == []


def test_a_token_costs_one_statement(technician: User, hidden: Layer) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    Client().get(HIDDEN, headers=bearer(secret))
    with CaptureQueriesContext(connection) as asked:
        Client().get(HIDDEN, headers=bearer(secret))
    assert len([query["sql"] for query in asked if "geoportal_" in query["sql"]]) == 1


def test_the_use_is_noted_once_a_minute(technician: User) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    Client().get("/note/", headers=bearer(secret))
    first = AccessToken.objects.get().last_used_at
    Client().get("/note/", headers=bearer(secret))
    assert first is not None and AccessToken.objects.get().last_used_at == first
    AccessToken.objects.update(last_used_at=first - timedelta(minutes=2))
    Client().get("/note/", headers=bearer(secret))
    assert AccessToken.objects.filter(last_used_at__gt=first - timedelta(minutes=1)).exists()


def test_writes_need_no_csrf_with_a_token_unless_a_browser_sent_it_by_itself(technician: User) -> None:
    _, secret = tokens.create(technician, "QGIS", None)
    client = Client(enforce_csrf_checks=True)
    assert client.post("/i18n/setlang/", {"language": "en"}).status_code == 403
    assert client.post("/i18n/setlang/", {"language": "en"}, headers=bearer(secret)).status_code == 302
    assert client.post("/i18n/setlang/", {"language": "en"}, headers=basic(secret)).status_code == 302
    by_itself = {**basic(secret), "Origin": "https://example.org"}
    assert client.post("/i18n/setlang/", {"language": "en"}, headers=by_itself).status_code == 403


def test_the_page_shows_a_new_secret_once_and_revokes(technician: User) -> None:
    client = Client()
    assert client.get("/profilo/gettoni/").status_code == 302
    client.force_login(technician)
    made = client.post("/profilo/gettoni/", {"name": "QGIS in ufficio", "days": "90"})
    token = AccessToken.objects.get()
    secret = made.context["secret"]
    assert secret in made.content.decode() and "no-store" in made["Cache-Control"]
    assert token.expires_at is not None and timedelta(days=89) < token.expires_at - timezone.now() < timedelta(days=91)
    page = client.get("/profilo/gettoni/").content.decode()
    assert "QGIS in ufficio" in page and secret not in page
    assert client.get("/note/", headers=bearer(secret)).status_code == 200
    client.post(f"/profilo/gettoni/{token.pk}/revoca/")
    assert Client().get("/note/", headers=bearer(secret)).status_code == 401


def test_nobody_revokes_the_token_of_another_and_no_token_makes_tokens(technician: User) -> None:
    token, secret = tokens.create(technician, "QGIS", None)
    other = Client()
    other.force_login(User.objects.create_user("altro"))
    assert other.post(f"/profilo/gettoni/{token.pk}/revoca/").status_code == 404
    assert Client().post("/profilo/gettoni/", {"name": "figlio"}, headers=bearer(secret)).status_code == 403
    assert Client().post(f"/profilo/gettoni/{token.pk}/revoca/", headers=bearer(secret)).status_code == 403


@pytest.mark.parametrize("data", [{"name": ""}, {"name": "x" * 81}, {"name": "a\x00b"}, {"name": "a", "days": "7"}])
def test_a_bad_form_makes_no_token(technician: User, data: dict[str, str]) -> None:
    client = Client()
    client.force_login(technician)
    assert 'role="alert"' in client.post("/profilo/gettoni/", data).content.decode()
    assert not AccessToken.objects.exists()


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="gdal-bin is not installed")
@pytest.mark.django_db(transaction=True)
def test_gdal_reads_with_a_token_what_it_cannot_see_without(transactional_db: None) -> None:
    Layer.objects.filter(is_live=True).delete()
    layer = make_layer(
        "interni", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, access=Access.INTERNAL
    )
    user = User.objects.create_user("una-tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    _, secret = tokens.create(user, "GDAL", None)
    with served() as root:
        command = ["ogrinfo", "-al", "-so", "-ro", f"OAPIF:{root}/ogc/"]
        without = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        with_token = subprocess.run(
            [*command, "--config", "GDAL_HTTP_USERPWD", f"qgis:{secret}"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        wrong = subprocess.run(
            [*command, "--config", "GDAL_HTTP_USERPWD", "qgis:gpc_wrong"],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    drop(layer)
    assert "interni" not in without.stdout
    assert "interni" in with_token.stdout and "Feature Count: 237" in with_token.stdout, with_token.stderr
    assert wrong.returncode != 0 and "interni" not in wrong.stdout
