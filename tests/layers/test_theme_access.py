"""A theme's rule holds for all that hangs below it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from geoportal.models import User
from layers.catalogue import catalogue
from layers.models import Access, Layer, Theme
from layers.rights import EVERYTHING, PROFESSIONALS, PUBLIC, STEWARDS, TECHNICIANS, Audience, may_keep
from tests.geodata import forget_catalogue, make_layer
from tests.ogc.conftest import NUMBERS

PROFESSIONAL = Audience(levels=frozenset({"public", "professional"}), groups=frozenset({PROFESSIONALS}))
INTERNAL = Audience(levels=frozenset({"public", "professional", "internal"}), groups=frozenset({TECHNICIANS}))
MEMBER = Audience(groups=frozenset({"ufficio-tributi"}))


@pytest.fixture
def layer(db: None) -> Layer:
    above = Theme.objects.create(slug="sopra", title_it="Sopra")
    below = Theme.objects.create(slug="sotto", title_it="Sotto", parent=above)
    return make_layer("dentro", "POINT", 32632, {"via": "string", "civico": "string"}, NUMBERS, theme=below)


def sees(audience: Audience) -> bool:
    forget_catalogue()
    return "dentro" in {entry.slug for entry in catalogue().visible(audience)}


@pytest.mark.parametrize(
    ("own", "below", "above", "seen_by"),
    [
        ("public", "public", "public", "public professional internal member"),
        ("public", "professional", "public", "professional internal"),
        ("public", "public", "internal", "internal"),
        ("internal", "professional", "public", "internal"),
        ("professional", "public", "internal", "internal"),
        ("public", "restricted", "public", "member"),
        ("internal", "restricted", "public", ""),
        ("restricted", "public", "public", ""),  # the layer itself names no group
    ],
)
def test_the_strictest_of_layer_and_branches_decides(
    layer: Layer, own: str, below: str, above: str, seen_by: str
) -> None:
    Layer.objects.filter(pk=layer.pk).update(access=own)
    Theme.objects.filter(slug="sotto").update(access=below)
    Theme.objects.filter(slug="sopra").update(access=above)
    Theme.objects.get(slug="sotto").groups.add(Group.objects.create(name="ufficio-tributi"))
    askers = {"public": PUBLIC, "professional": PROFESSIONAL, "internal": INTERNAL, "member": MEMBER}
    assert " ".join(name for name, audience in askers.items() if sees(audience)) == seen_by


def test_a_change_of_a_themes_groups_is_a_new_version(layer: Layer) -> None:
    forget_catalogue()
    before = catalogue().version
    Theme.objects.get(slug="sopra").groups.add(Group.objects.create(name="ufficio-tributi"))
    forget_catalogue()
    assert catalogue().version > before


def test_a_closed_theme_closes_its_layers_addresses(layer: Layer) -> None:
    assert Client().get("/ogc/collections/dentro/items").status_code == 200
    Theme.objects.filter(slug="sopra").update(access=Access.INTERNAL)
    forget_catalogue()
    assert Client().get("/ogc/collections/dentro/items").status_code == 404
    assert b"dentro" not in Client().get("/").content
    user = User.objects.create_user("una-tecnica")
    user.groups.add(Group.objects.get_or_create(name=TECHNICIANS)[0])
    client = Client()
    client.force_login(user)
    assert client.get("/ogc/collections/dentro/items").status_code == 200


@pytest.mark.parametrize(
    ("below", "above", "groups", "keeps"),
    [
        ("", "", {STEWARDS}, True),
        ("", "", {TECHNICIANS}, False),
        ("urbanistica", "", {STEWARDS}, False),
        ("urbanistica", "", {STEWARDS, "urbanistica"}, True),
        ("urbanistica", "", {"urbanistica"}, False),  # of the office, but not a steward
        ("", "urbanistica", {STEWARDS, "urbanistica"}, True),
        ("", "urbanistica", {STEWARDS, "verde"}, False),
        ("verde", "urbanistica", {STEWARDS, "urbanistica"}, False),  # the nearest theme that names any decides
        ("verde", "urbanistica", {STEWARDS, "verde"}, True),
    ],
)
def test_a_theme_says_whose_stewards_keep_its_layers(
    layer: Layer, below: str, above: str, groups: set[str], keeps: bool
) -> None:
    for slug, name in (("sotto", below), ("sopra", above)):
        if name:
            Theme.objects.get(slug=slug).stewards.add(Group.objects.get_or_create(name=name)[0])
    forget_catalogue()
    entry = catalogue().layers["dentro"]
    assert may_keep(Audience(groups=frozenset(groups)), entry) == keeps
    assert may_keep(EVERYTHING, entry)


def test_a_steward_of_another_theme_brings_nothing_into_it(layer: Layer) -> None:
    Theme.objects.get(slug="sopra").stewards.add(Group.objects.create(name="urbanistica"))
    forget_catalogue()
    user = User.objects.create_user("del-verde")
    user.groups.add(Group.objects.get_or_create(name=STEWARDS)[0], Group.objects.create(name="verde"))
    client = Client()
    client.force_login(user)
    files = {"files": SimpleUploadedFile("a.csv", b"x,y\n10.02,45.13\n"), "theme": "sotto"}
    answer = client.post("/api/importazioni", files)
    assert answer.status_code == 400 and "sotto" in answer.json()["description"]
