"""`python -m tests.benchmarks.search [--features N] [--explain TEXT]`: how long the search takes, on made-up texts.

26,100 house numbers in 900 streets and N named, typed and coded features, in a database of their own; the median and
the longest of each question asked in this process, without HTTP.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from typing import TYPE_CHECKING

from geoportal.runtime.cluster import Cluster
from tests import services
from tests.benchmarks.__main__ import DATABASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from layers.models import Layer

WORD = "initcap(substr(translate(md5(({n})::text), '0123456789', 'aeioulmnrs'), 1, {length}))"
ADDRESSES = f"""
INSERT INTO {{table}} (geom, odonimo, civico)
SELECT ST_SetSRID(ST_MakePoint(575000 + s * 13, 4993000 + n * 11), 32632),
       (ARRAY['Via', 'Viale', 'Piazza', 'Vicolo'])[1 + s % 4] || ' '
       || (ARRAY['Giuseppe', 'Antonio', 'Maria', 'San', 'Monte', 'Fratelli'])[1 + s % 6] || ' '
       || {WORD.format(n="s", length=7)}, n::text
FROM generate_series(1, 900) AS s, generate_series(1, 29) AS n
"""
FEATURES = f"""
INSERT INTO {{table}} (geom, nome, tipo, codice)
SELECT ST_SetSRID(ST_MakePoint(575000 + n % 1000 * 13, 4993000 + n / 1000 * 11), 32632),
       (ARRAY['Edificio', 'Casa', 'Albero', 'Lampione', 'Fermata'])[1 + n % 5] || ' '
       || {WORD.format(n="n % 60000", length=8)},
       (ARRAY['pubblico', 'privato'])[1 + n % 2], 'C' || n
FROM generate_series(1, :many) AS n
"""
QUESTIONS = {
    "street and number": "{street} 12",
    "street": "{street}",
    "misspelt street and number": "{misspelt} 3",
    "what all streets share": "via",
    "a word in every fifth feature": "casa",
    "its beginning": "lamp",
    "it misspelt": "lampine",
    "two common words": "casa pubblico",
    "a feature by name": "{feature}",
    "a code": "C123456",
    "words that never meet": "edificio privato {rare}",
    "nothing": "qwertyuiop",
    "a parcel": "12/345",
    "coordinates": "580613 4998314",
}


def _change_one(layer: Layer) -> None:
    """How long it takes to index a layer again of which one feature changed."""
    from django.db import connection

    from layers.search.index import index_layer
    from layers.versions.recording import keep_versions

    keep_versions(layer.pk)
    index_layer(layer.pk, whole=True)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE geodata.{layer.table_name} SET geom = ST_Translate(geom, 1, 1) WHERE fid = 17")
    begun = time.perf_counter()
    index_layer(layer.pk)
    sys.stdout.write(f"  again after a change of one: {1000 * (time.perf_counter() - begun):.0f} ms\n")


def prepare(cluster: Cluster, many: int) -> None:
    """The two layers, indexed. Prints how long the index took."""
    from layers.catalogue import catalogue
    from layers.models import Field
    from layers.search.index import analyse, index_layer
    from tests.benchmarks.run import prepare as made_anew
    from tests.geodata import make_layer

    made_anew(cluster, 10)
    text = {"odonimo": "string", "civico": "string"}
    layers = [
        make_layer("civici", "POINT", 32632, text, ADDRESSES),
        make_layer(
            "elementi", "POINT", 32632, {"nome": "string", "tipo": "string", "codice": "string"},
            FEATURES.replace(":many", str(many)),
        ),
    ]  # fmt: skip
    Field.objects.filter(layer__in=layers).update(is_searchable=True)
    for layer in layers:
        catalogue()
        begun = time.perf_counter()
        entries = index_layer(layer.pk)
        sys.stdout.write(f"index of {layer.slug}: {entries} entries in {time.perf_counter() - begun:.1f} s\n")
        _change_one(layer)
    analyse()


def words() -> dict[str, str]:
    """Texts that are there, to put into the questions."""
    from layers.models import SearchEntry

    street = SearchEntry.objects.filter(kind=SearchEntry.Kind.STREET).order_by("id")[100].title
    feature = SearchEntry.objects.filter(kind=SearchEntry.Kind.FEATURE).order_by("id")[1000].title
    return {"street": street, "misspelt": street[:-1] + "x", "feature": feature, "rare": feature.split()[1]}


def timed(act: Callable[[], object], times: int = 15) -> tuple[float, float]:
    """Median and maximum in milliseconds, after one time unmeasured."""
    act()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), max(taken)


def run() -> None:
    """The table."""
    from layers.catalogue import catalogue
    from layers.rights import PUBLIC
    from layers.search.find import find
    from layers.search.here import features_at, nearest_address

    held, found = catalogue(), words()
    for name, form in QUESTIONS.items():
        text = form.format(**found)
        median, longest = timed(lambda text=text: find(held, PUBLIC, text, 10, "it"))  # type: ignore[misc]
        sys.stdout.write(f"{name:32} {text[:36]:36} {median:7.1f} ms, at most {longest:6.1f}\n")
    for name, act in (("nearest address", nearest_address), ("features here", features_at)):
        median, longest = timed(lambda act=act: act(held, PUBLIC, 10.02, 45.13))  # type: ignore[misc]
        sys.stdout.write(f"{name:69} {median:7.1f} ms, at most {longest:6.1f}\n")


def explain(text: str) -> None:
    """The plan of one question, as PostgreSQL ran it."""
    from django.db import connection

    from layers.catalogue import catalogue
    from layers.rights import PUBLIC
    from layers.search.find import find

    asked: list[str] = []

    def keep(execute, statement, params, many, context):
        asked.append(context["cursor"].mogrify(statement, params).decode())
        return execute(statement, params, many, context)

    with connection.execute_wrapper(keep):
        find(catalogue(), PUBLIC, text, 10, "it")
    with connection.cursor() as cursor:
        cursor.execute(
            asked[-1].replace("-- name", "--").replace("WITH asked", "EXPLAIN (ANALYZE, BUFFERS) WITH asked")
        )
        sys.stdout.write("\n".join(row[0] for row in cursor.fetchall()) + "\n")


def main() -> int:
    """Make the data, ask, print."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.search", description=__doc__)
    parser.add_argument("--features", type=int, default=1_000_000)
    parser.add_argument("--explain", default="", help="print the plan of this question too")
    options = parser.parse_args()
    cluster = Cluster(services.ROOT / "postgresql", durable=False)
    cluster.start()
    os.environ["GEOPORTAL_DB_NAME"] = DATABASE
    try:
        import django

        django.setup()
        prepare(cluster, options.features)
        run()
        if options.explain:
            explain(options.explain)
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
