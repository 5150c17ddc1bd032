"""Classes of real columns, by every method, against what the database counts itself."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from django.db import connection
from django.utils.translation import override

from layers.catalogue import LayerEntry, catalogue
from layers.models import Field
from layers.styles.checks import difference, problems
from layers.styles.classify import METHODS, Asked, Classified, NothingToClassify, bounds_of, classified, range_labels
from layers.styles.model import RasterClass, RasterLook, StyleSpec, Symbol
from layers.styles.palette import PALETTES, colours
from tests.geodata import forget_catalogue, make_layer

ROWS = """
INSERT INTO {table} (geom, popolazione, piani, uso, uguale)
SELECT ST_SetSRID(ST_MakePoint(580000 + n, 4998000), 32632), CASE WHEN n % 50 = 0 THEN NULL ELSE (n * n) / 7.0 END,
       n % 7, (ARRAY['casa', 'scuola', NULL])[1 + n % 3], 5
FROM generate_series(1, 1000) AS n
"""


@pytest.fixture
def layer(db: None) -> Iterator[LayerEntry]:
    kinds = {"popolazione": "number", "piani": "integer", "uso": "string", "uguale": "number"}
    make_layer("isolati", "POINT", 32632, kinds, ROWS)
    forget_catalogue()
    yield catalogue().layers["isolati"]
    forget_catalogue()


def by(layer: LayerEntry, field: str, kind: str = "graduated", **how: object) -> Classified:
    entry = next(one for one in layer.fields if one.name == field)
    return classified(layer, entry, Asked(field, kind, **how), Symbol())  # type: ignore[arg-type]


def test_quantiles_put_as_many_features_in_each_class(layer: LayerEntry) -> None:
    found = by(layer, "popolazione", method="quantile", count=5)
    assert found.counts == (196, 196, 196, 196, 196)
    assert found.others == 20
    assert found.classes[0].minimum is None and found.classes[-1].maximum is None
    assert len({entry.symbol.fill for entry in found.classes}) == 5


@pytest.mark.parametrize("method", METHODS)
def test_every_feature_with_a_value_is_in_one_class(layer: LayerEntry, method: str) -> None:
    found = by(layer, "popolazione", method=method, count=4)
    assert sum(found.counts) == 980 and all(found.counts)
    limits = [entry.maximum or 0.0 for entry in found.classes[:-1]]
    assert limits == sorted(limits) == [entry.minimum for entry in found.classes[1:]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM geodata.isolati WHERE popolazione < %s", [limits[0]])
        assert cursor.fetchone()[0] == found.counts[0]


def test_whole_numbers_are_named_by_what_is_in_the_class(layer: LayerEntry) -> None:
    found = by(layer, "piani", method="quantile", count=3)
    assert [entry.label_it for entry in found.classes] == ["0 – 2", "3 – 4", "5 – 6"]
    assert sum(found.counts) == 1000


def test_categories_are_the_most_frequent_values_null_among_them(layer: LayerEntry) -> None:
    found = by(layer, "uso", "categorised", palette="bright")
    assert {entry.value for entry in found.classes} == {"casa", "scuola", None}
    assert sum(found.counts) == 1000 and found.others == 0


def test_what_cannot_be_divided_says_why(layer: LayerEntry) -> None:
    with pytest.raises(NothingToClassify, match="uguali"):
        by(layer, "uguale")
    with pytest.raises(NothingToClassify, match="numeri"):
        by(layer, "uso")
    connection.cursor().execute("UPDATE geodata.isolati SET popolazione = NULL")
    with pytest.raises(NothingToClassify, match="alcun valore"):
        by(layer, "popolazione")


def test_natural_breaks_find_the_gaps_and_are_the_same_each_time() -> None:
    values = np.sort(
        np.concatenate([np.linspace(0, 10, 3000), np.linspace(500, 510, 3000), np.linspace(900, 999, 3000)])
    )
    first = bounds_of(values, "natural_breaks", 3)
    assert 10 < first[0] <= 500.1 and 510 < first[1] <= 900.1
    assert first == bounds_of(values, "natural_breaks", 3)


def test_ranges_are_written_as_each_language_writes_numbers() -> None:
    assert range_labels([0.0, 1234.5, 20000.0])[0] == ("0 – 1.234", "0 – 1,234")
    assert range_labels([0.1, 0.15, 0.2])[0] == ("0,100 – 0,150", "0.100 – 0.150")


@pytest.mark.parametrize("name", [name for name, one in PALETTES.items() if name not in {"terrain", "greys"}])
def test_neighbours_of_every_palette_stay_apart_for_every_sight(name: str) -> None:
    shades = colours(name, 5)
    for sight in ("", "protanopia", "deuteranopia", "tritanopia"):
        apart = [difference(one, other, sight) for one, other in pairwise(shades)]
        assert min(apart) > 9, (sight, apart)


def test_colours_that_the_colour_blind_confuse_are_told(layer: LayerEntry) -> None:
    red_green = by(layer, "uso", "categorised", palette="bright").classes
    looks = [Symbol(fill=shade, fill_opacity=1) for shade in ("#8f9f00", "#c08a00", "#0000aa")]
    classes = tuple(type(one)(look, value=one.value) for one, look in zip(red_green, looks, strict=True))
    style = StyleSpec(kind="categorised", field="uso", classes=classes)
    with override("it"):
        assert any("confondono" in text for text in problems(style, "POLYGON"))
        pale = StyleSpec(symbol=Symbol(fill="#ffffcc", stroke="#ffffee", stroke_width=1))
        assert any("contrasto" in text for text in problems(pale, "POINT"))
        assert problems(StyleSpec(), "POLYGON") == []
        alike = tuple(RasterClass(maximum=top, colour=shade) for top, shade in ((1, "#808080"), (2, "#828282")))
        assert "quasi uguali" in problems(StyleSpec(raster=RasterLook(classes=alike)), "")[0]
    assert Field.objects.filter(layer__slug="isolati").count() == 4
