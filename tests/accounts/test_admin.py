"""Administrators make accounts and give them roles; nobody else does."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from layers.rights import STEWARDS, TECHNICIANS

PASSWORD = "una frase lunga 7"


@pytest.mark.django_db
def test_an_administrator_makes_an_account_and_gives_it_a_role(admin_client: Client) -> None:
    Group.objects.get_or_create(name=STEWARDS)
    entry = {"username": "rossi", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    made = admin_client.post("/admin/geoportal/user/add/", entry)
    account = User.objects.get(username="rossi")
    assert made["Location"] == f"/admin/geoportal/user/{account.pk}/change/"
    groups = [Group.objects.get(name=STEWARDS).pk]
    joined = {"username": "rossi", "is_active": "on", "groups": groups}
    joined |= {"date_joined_0": "2026-11-24", "date_joined_1": "08:00:00"}
    changed = admin_client.post(made["Location"], joined, headers={"accept-language": "it"})
    assert changed.status_code == 302, changed.context["adminform"].form.errors
    assert account.groups.get().name == STEWARDS and not User.objects.get(pk=account.pk).is_superuser
    assert STEWARDS in admin_client.get("/admin/geoportal/user/").content.decode()
    assert Client().login(username="rossi", password=PASSWORD)


@pytest.mark.django_db
def test_a_technician_sees_no_accounts(client: Client) -> None:
    user = User.objects.create_user("tecnico", password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client.force_login(user)
    assert client.get("/admin/geoportal/user/").status_code == 403
