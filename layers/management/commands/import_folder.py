"""`manage.py import_folder FOLDER`: every readable geodata file of a folder becomes a layer; the rest is named."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from layers.importing.folder import files_in, import_folder
from layers.importing.models import ImportOutcome, ImportRun
from layers.management.commands._importing import add_arguments, options_from, show


class Command(BaseCommand):
    help = "Import every geodata file under a folder. Files that did not change since last time are left as they are."
    requires_system_checks = []  # `migrate` runs them at each start; they load every page and 140 MB with them

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        add_arguments(parser)

    def handle(self, *args: Any, **arguments: Any) -> None:
        folder: Path = arguments["folder"]
        if not folder.is_dir():
            raise CommandError(f"{folder} is not a folder.")
        total = len(files_in(folder))
        run = ImportRun.objects.create(source=str(folder)[:500])
        outcomes: list[ImportOutcome] = []
        for number, found in enumerate(import_folder(run, folder, options_from(arguments)), start=1):
            outcomes += found
            for outcome in found:
                self.stdout.write(f"[{number}/{total}] {outcome.get_result_display()}: {outcome.file} {outcome.reason}")
                self.stdout.flush()
        run.finish()
        show(self.stdout, outcomes, arguments["report"])
