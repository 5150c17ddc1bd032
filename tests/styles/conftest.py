"""Styles are compiled from layers that stand in the database."""

from tests.drawing.conftest import plot  # noqa: F401 - a fixture of these tests too
