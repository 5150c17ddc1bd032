"""`make benchsearch ARGS="[--features N] [--explain TEXT]"`: how long the search takes, on made-up texts.

26,100 house numbers in 900 streets, 20,000 parcels and N named, typed and coded features, in a database of their own.
Each kind of question is asked with many texts of the data, in this process and without HTTP: half of its answers come
within p50, all but one in a hundred within p99; and whether what was meant came first, or at all.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import dataclass
from random import Random
from statistics import quantiles
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
PARCELS = """
INSERT INTO {table} (geom, foglio, particella)
SELECT ST_SetSRID(ST_MakePoint(575000 + s * 130, 4993000 + n * 11), 32632), s::text, n::text
FROM generate_series(1, 100) AS s, generate_series(1, 200) AS n
"""
TIMES = 100
LIMIT_MS = 50


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
    from tests.benchmarks.data import made_anew
    from tests.geodata import make_layer

    made_anew(cluster)
    named = {"nome": "string", "tipo": "string", "codice": "string"}
    layers = [
        make_layer("civici", "POINT", 32632, {"odonimo": "string", "civico": "string"}, ADDRESSES),
        make_layer("particelle", "POINT", 32632, {"foglio": "string", "particella": "string"}, PARCELS),
        make_layer("elementi", "POINT", 32632, named, FEATURES.replace(":many", str(many))),
    ]
    Field.objects.filter(layer__in=layers).update(is_searchable=True)
    for layer in layers:
        catalogue()
        begun = time.perf_counter()
        entries = index_layer(layer.pk)
        sys.stdout.write(f"index of {layer.slug}: {entries} entries in {time.perf_counter() - begun:.1f} s\n")
        _change_one(layer)
    analyse()


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of question: its texts, each with the beginning of the title that is meant (empty: none is)."""

    name: str
    asked: list[tuple[str, str]]


def cases(random: Random, many: int) -> list[Case]:
    """The kinds, with texts of the data."""
    from layers.models import SearchEntry

    kinds = SearchEntry.Kind
    streets = list(SearchEntry.objects.filter(kind=kinds.STREET).order_by("id").values_list("title", flat=True))
    some = SearchEntry.objects.filter(kind=kinds.FEATURE, id__gte=random.randrange(1000)).order_by("id")
    features = list(some.values_list("title", flat=True)[: 40 * TIMES : 40])

    def drawn(make: Callable[[str], tuple[str, str]], texts: list[str]) -> list[tuple[str, str]]:
        return [make(random.choice(texts)) for _ in range(TIMES)]

    def number() -> int:
        return random.randint(1, 29)

    def house(street: str, spelt: str, home: int) -> tuple[str, str]:
        return f"{spelt} {home}", f"{street}, {home}"

    def at_random() -> str:
        return f"{random.uniform(575100, 586000):.0f} {random.uniform(4993100, 4998000):.0f}"

    return [
        Case("street and number", drawn(lambda street: house(street, street, number()), streets)),
        Case("street", drawn(lambda street: (street, street), streets)),
        Case("beginning of a street", drawn(lambda street: (street[:-3], street[:-3]), streets)),
        Case("misspelt street and number", drawn(lambda s: house(s, misspelt(random, s), number()), streets)),
        Case("what all streets share", [(word, "") for word in ("via", "viale", "piazza", "vicolo") for _ in range(5)]),
        Case(
            "a word in every fifth feature", [(word, "") for word in ("casa", "albero", "lampione") for _ in range(7)]
        ),
        Case("its beginning", [(word, "") for word in ("lamp", "ferm", "edif") for _ in range(7)]),
        Case("two common words", [(f"{word} pubblico", "") for word in ("casa", "albero") for _ in range(10)]),
        Case("a feature by name", drawn(lambda name: (name, name), features)),
        Case("a feature misspelt", drawn(lambda name: (misspelt(random, name), name), features)),
        Case("a code", [(f"C{random.randint(1, many)}", "") for _ in range(TIMES)]),
        Case("words that never meet", drawn(lambda name: (f"edificio privato {name.split()[1]}", ""), features)),
        Case("nothing", [("".join(random.choices("qwxyzkj", k=9)), "") for _ in range(TIMES)]),
        Case("a parcel", [(f"{random.randint(1, 100)}/{random.randint(1, 200)}", "") for _ in range(TIMES)]),
        Case("a parcel in words", [(f"foglio {random.randint(1, 100)} particella 7", "") for _ in range(TIMES)]),
        Case("coordinates", [(at_random(), "") for _ in range(TIMES)]),
    ]


def misspelt(random: Random, text: str) -> str:
    """The text with two letters of its last word exchanged, one left out, or one wrong."""
    place = len(text) - 2 - random.randrange(3)
    return random.choice(
        [
            text[:place] + text[place + 1] + text[place] + text[place + 2 :],
            text[:place] + text[place + 1 :],
            text[:place] + "x" + text[place + 1 :],
        ]
    )


def told(name: str, taken: list[float], note: str = "") -> bool:
    """A line of the table; whether the kind is as quick as it must be."""
    p50, p99 = quantiles(taken, n=100)[49], quantiles(taken, n=100, method="inclusive")[98]
    mark = "" if p99 < LIMIT_MS else "  SLOW"
    sys.stdout.write(f"{name:32} {p50:7.1f} {p99:7.1f} ms {note}{mark}\n")
    return not mark


def run(many: int) -> bool:
    """The table; whether every kind stays within the limit."""
    from layers.catalogue import catalogue
    from layers.rights import PUBLIC
    from layers.search.find import find
    from layers.search.here import features_at, nearest_address

    held, random = catalogue(), Random(26)
    load = os.getloadavg()[0]
    sys.stdout.write(f"load {load:.1f} on {os.cpu_count()} cores\n{'':32} {'p50':>7} {'p99':>7}\n")
    good = True
    for case in cases(random, many):
        taken, first, among, meant = [], 0, 0, 0
        find(held, PUBLIC, case.asked[0][0], 10, "it")
        for text, wanted in case.asked:
            begun = time.perf_counter()
            titles = [hit.title for hit in find(held, PUBLIC, text, 10, "it").hits]
            taken.append((time.perf_counter() - begun) * 1000)
            meant += bool(wanted)
            first += bool(wanted) and titles[:1] != [] and titles[0].startswith(wanted)
            among += bool(wanted) and any(title.startswith(wanted) for title in titles)
        good &= told(case.name, taken, f"first {first}, among ten {among} of {meant}" if meant else "")
    for name, act in (("nearest address", nearest_address), ("features here", features_at)):
        taken = []
        for _ in range(TIMES):
            place = random.uniform(9.96, 10.08), random.uniform(45.08, 45.13)
            begun = time.perf_counter()
            act(held, PUBLIC, *place)
            taken.append((time.perf_counter() - begun) * 1000)
        good &= told(name, taken)
    return good


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
    parser = argparse.ArgumentParser(prog="make benchsearch ARGS=…", description=__doc__)
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
        good = run(options.features)
        if options.explain:
            explain(options.explain)
    finally:
        cluster.stop()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
