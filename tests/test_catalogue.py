"""The catalogue in memory follows the database, in every process, without a restart."""

import os
import threading
from contextlib import suppress

import psycopg2
import pytest
from django.db import connection, transaction

from layers import catalogue as module
from layers.catalogue import catalogue
from layers.errors import LayerNotFound
from layers.held import Held
from layers.models import Access, Layer
from layers.rights import EVERYTHING, PUBLIC, Audience
from tests.product import eventually


def make_layer(slug: str, **values: object) -> Layer:
    return Layer.objects.create(
        slug=slug, title_it=slug.title(), table_name=slug.replace("-", "_"), srid=32632, **values
    )


@pytest.mark.django_db(transaction=True)
def test_a_layer_published_elsewhere_appears_and_a_withdrawn_one_goes() -> None:
    layer = make_layer("scuole")
    eventually(lambda: "scuole" in catalogue().layers, "the layer appears")
    Layer.objects.filter(pk=layer.pk).update(is_published=False)
    eventually(lambda: "scuole" not in catalogue().layers, "the layer goes")


@pytest.mark.django_db(transaction=True)
def test_a_catalogue_that_was_being_read_during_a_change_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    make_layer("scuole")
    catalogue()
    eventually(module._holder._listening.is_set, "it listens")
    real, began, go_on = module._load, threading.Event(), threading.Event()

    def slow() -> module.Catalogue:
        loaded = real()
        began.set()
        go_on.wait(60)
        return loaded

    make_layer("parchi")
    monkeypatch.setattr(module._holder, "_load", slow)

    def read() -> None:
        catalogue()
        connection.close()

    reader = threading.Thread(target=read)
    eventually(lambda: module._holder._value is None, "the change is told")
    reader.start()
    began.wait(60)
    monkeypatch.setattr(module._holder, "_load", real)
    make_layer("piazze")
    go_on.set()
    reader.join()
    eventually(lambda: "piazze" in catalogue().layers, "what came meanwhile is seen")


@pytest.mark.django_db(transaction=True)
def test_a_copy_that_was_being_read_before_anybody_listened_is_not_kept() -> None:
    make_layer("scuole")
    began, go_on = threading.Event(), threading.Event()

    def slow() -> module.Catalogue:
        loaded = module._load()
        began.set()
        go_on.wait(60)
        return loaded

    held = Held(slow, module._version, channel="of_this_test")
    # Whoever listens comes to it when the reading has begun.
    held._pid = os.getpid()

    def listen() -> None:
        with suppress(psycopg2.Error):  # its end
            held._listen()

    def read() -> None:
        held.current()
        connection.close()

    reader = threading.Thread(target=read)
    reader.start()
    began.wait(60)
    make_layer("parchi")
    listener = threading.Thread(target=listen)
    listener.start()
    try:
        eventually(lambda: bool(_backends("pid")), "somebody listens")
        go_on.set()
        reader.join()
        eventually(held._listening.is_set, "it is known")
        assert "parchi" in held.current().layers
    finally:
        go_on.set()
        _backends("pg_terminate_backend(pid)")
        listener.join()


def _backends(asked: str) -> list[tuple[object, ...]]:
    """Something of the connection that listens for the test above, once it does."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {asked} FROM pg_stat_activity WHERE application_name = 'geoportal of_this_test listener' "
            "AND state = 'idle' AND query LIKE 'LISTEN%'"
        )
        return list(cursor.fetchall())


@pytest.mark.django_db(transaction=True)
def test_nothing_is_asked_of_the_database_while_nothing_changes(django_assert_num_queries) -> None:
    catalogue()
    eventually(module._holder._listening.is_set, "it listens")
    with transaction.atomic():  # told of in one message
        make_layer("scuole")
    eventually(lambda: module._holder._value is None, "the change is told")
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
