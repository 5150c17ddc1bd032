"""`manage.py index_search [SLUG…]`: fill the search index now, without the workers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from layers.catalogue import catalogue
from layers.search.index import analyse, index_layer


class Command(BaseCommand):
    help = "Index the texts of layers for the search (all published ones without arguments)."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("slugs", nargs="*")

    def handle(self, *args: Any, **arguments: Any) -> None:
        layers = catalogue().layers
        unknown = sorted(set(arguments["slugs"]) - set(layers))
        if unknown:
            raise CommandError(f"No published layer is called {unknown[0]!r}; there are {', '.join(layers)}.")
        for slug in arguments["slugs"] or layers:
            entries = index_layer(layers[slug].id)
            if entries:
                self.stdout.write(f"{slug}: {entries} entries")
        analyse()
