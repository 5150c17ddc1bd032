"""A theme's rule holds for all that hangs below it."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from geoportal.models import User
from layers.catalogue import catalogue
from layers.models import Access, Layer, Theme
from layers.rights import PROFESSIONALS, PUBLIC, TECHNICIANS, Audience
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
