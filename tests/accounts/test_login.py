"""The log-in slows guessing down, and says so."""

from __future__ import annotations

import pytest
from django.test import Client

from geoportal.accounts.models import FailedAttempts
from geoportal.accounts.throttle import LOGIN_ACCOUNT, LOGIN_ADDRESS
from geoportal.models import User

PASSWORD = "prova-di-accesso-1"


@pytest.fixture
def person(db: None) -> User:
    return User.objects.create_user("persona", password=PASSWORD, is_staff=True)


def attempt(password: str, name: str = "persona", page: str = "/accedi/", **headers: str) -> int:
    """HTTP status: 302 is in, 200 is the form again."""
    return Client().post(page, {"username": name, "password": password}, headers=headers).status_code


@pytest.mark.parametrize("page", ["/accedi/", "/admin/login/"])
def test_after_five_failures_also_the_right_password_waits(person: User, page: str) -> None:
    for _ in range(LOGIN_ACCOUNT.limit):
        assert attempt("sbagliata", page=page) == 200
    answer = Client().post(page, {"username": "Persona ", "password": PASSWORD})
    assert answer.status_code == 200 and "Troppi tentativi" in answer.content.decode()


def test_the_owner_elsewhere_is_not_locked_out(person: User) -> None:
    for _ in range(LOGIN_ACCOUNT.limit):
        attempt("sbagliata", **{"X-Real-IP": "192.0.2.1"})
    assert attempt(PASSWORD, **{"X-Real-IP": "192.0.2.1"}) == 200
    assert attempt(PASSWORD, **{"X-Real-IP": "192.0.2.2"}) == 302


def test_a_success_forgives_earlier_failures(person: User) -> None:
    for _ in range(2):
        for _ in range(LOGIN_ACCOUNT.limit - 1):
            attempt("sbagliata")
        assert attempt(PASSWORD) == 302


def test_one_address_cannot_try_one_password_on_every_account(person: User) -> None:
    for number in range(LOGIN_ADDRESS.limit):
        attempt("sbagliata", name=f"utente-{number}")
    assert attempt(PASSWORD) == 200


def test_the_wait_ends(person: User) -> None:
    for _ in range(LOGIN_ACCOUNT.limit):
        attempt("sbagliata")
    for row in FailedAttempts.objects.all():
        FailedAttempts.objects.filter(pk=row.pk).update(since_at=row.since_at.replace(year=2020))
    assert attempt(PASSWORD) == 302


def test_names_are_not_kept_in_clear(person: User) -> None:
    attempt("sbagliata", name="la-mia-password")
    assert "la-mia-password" not in repr(list(FailedAttempts.objects.values_list("key", flat=True)))


def test_a_distant_peer_is_not_believed_about_its_address(person: User) -> None:
    for number in range(LOGIN_ACCOUNT.limit):
        client = Client(REMOTE_ADDR="198.51.100.7")
        data = {"username": "persona", "password": "sbagliata"}
        client.post("/accedi/", data, headers={"X-Real-IP": f"192.0.2.{number}"})
    answer = Client(REMOTE_ADDR="198.51.100.7").post("/accedi/", {"username": "persona", "password": PASSWORD})
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("language", "title"), [("it", "Il modulo non è più valido"), ("en", "The form is no longer valid")]
)
def test_a_form_without_its_token_is_refused_in_words(language: str, title: str) -> None:
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/accedi/", {"username": "x"}, headers={"accept-language": language})
    assert answer.status_code == 403 and title in answer.content.decode()
