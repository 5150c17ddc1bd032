"""`manage.py import_layer FILE…`: geodata files become layers of the catalogue."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from layers.importing.engine import FileToImport, import_file
from layers.importing.models import ImportOutcome, ImportRun
from layers.management.commands._importing import (
    add_arguments,
    add_update_arguments,
    options_from,
    show,
    update_options,
)


class Command(BaseCommand):
    help = "Import files as layers (see docs/import.md). The same file again replaces the data of its layers."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument("--slug", default="", help="name of the layer in addresses; an existing one is replaced")
        parser.add_argument("--title", default="", help="Italian title")
        parser.add_argument("--layer", action="append", default=[], help="only this layer of the file (repeatable)")
        parser.add_argument("--table", action="store_true", help="rows of a CSV or a sheet without places")
        add_arguments(parser)
        add_update_arguments(parser)

    def handle(self, *args: Any, **arguments: Any) -> None:
        files: list[Path] = arguments["files"]
        if arguments["slug"] and len(files) > 1:
            raise CommandError("--slug names one layer: give one file with it.")
        options = options_from(
            arguments,
            slug=arguments["slug"],
            title=arguments["title"],
            only_layers=tuple(arguments["layer"]),
            is_table=arguments["table"],
            **update_options(arguments),
        )
        outcomes: list[ImportOutcome] = []
        run = ImportRun.objects.create(source=", ".join(str(path) for path in files)[:500])
        for path in files:
            if not path.is_file():
                raise CommandError(f"{path} is not a file.")
            outcomes += import_file(run, FileToImport(path, str(path.resolve())), options)
        run.finish()
        show(self.stdout, outcomes, arguments["report"])
        if all(outcome.result == ImportOutcome.Result.REFUSED for outcome in outcomes):
            raise CommandError("Nothing was imported.")
