"""The catalogue in memory follows the database, in every process, without a restart."""

import time

import pytest

from layers import catalogue as module
from layers.catalogue import catalogue
from layers.errors import LayerNotFound
from layers.models import Access, Layer
from layers.rights import EVERYTHING, PUBLIC, Audience


def make_layer(slug: str, **values: object) -> Layer:
    return Layer.objects.create(
        slug=slug, title_it=slug.title(), table_name=slug.replace("-", "_"), srid=32632, **values
    )


@pytest.mark.django_db(transaction=True)
def test_a_layer_published_elsewhere_appears_and_a_withdrawn_one_goes() -> None:
    layer = make_layer("scuole")
    assert "scuole" in catalogue().layers
    Layer.objects.filter(pk=layer.pk).update(is_published=False)
    end = time.monotonic() + 5
    while "scuole" in catalogue().layers and time.monotonic() < end:
        time.sleep(0.01)
    assert "scuole" not in catalogue().layers


@pytest.mark.django_db(transaction=True)
def test_nothing_is_asked_of_the_database_while_nothing_changes(django_assert_num_queries) -> None:
    make_layer("scuole")
    end = time.monotonic() + 5
    while not module._holder._listening.is_set() and time.monotonic() < end:
        time.sleep(0.01)
    catalogue()
    time.sleep(0.2)
    catalogue()
    with django_assert_num_queries(0):
        assert "scuole" in catalogue().layers


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("access", "audience", "seen"),
    [
        (Access.PUBLIC, PUBLIC, True),
        (Access.PROFESSIONAL, PUBLIC, False),
        (Access.INTERNAL, PUBLIC, False),
        (Access.INTERNAL, Audience(levels=frozenset({"public", "internal"})), True),
        (Access.RESTRICTED, Audience(levels=frozenset({"public", "internal"}), groups=frozenset({"altri"})), False),
        (Access.RESTRICTED, EVERYTHING, True),
    ],
)
def test_a_forbidden_layer_reads_like_an_unknown_one(access: str, audience: Audience, seen: bool) -> None:
    make_layer("vincoli", access=access)
    loaded = module._load()
    if seen:
        assert loaded.layer("vincoli", audience).slug == "vincoli"
    else:
        with pytest.raises(LayerNotFound):
            loaded.layer("vincoli", audience)
