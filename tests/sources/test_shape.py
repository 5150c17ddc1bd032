"""Which shape of a remote is the one that was noted, by whatever earlier form of the note."""

from layers.sources.shape import is_same

HELD = ["nome string", "piani integer", "# POLYGON"]


def test_a_shape_is_the_same_in_any_order_and_without_its_geometry_noted() -> None:
    assert is_same(HELD, HELD[::-1])
    assert is_same(HELD[:2], HELD)
    assert not is_same(HELD[1:], HELD)
    assert not is_same(HELD, [*HELD[:2], "# POINT"])
    assert not is_same(["nome string", "piani number"], HELD)
