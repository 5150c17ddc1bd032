"""Options that the import commands share."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from layers.importing.models import ImportOutcome
from layers.importing.options import ImportOptions
from layers.importing.report import as_json, summary, table
from layers.models import Access


def add_arguments(parser: ArgumentParser) -> None:
    """What holds for one file as for a folder."""
    parser.add_argument("--srid", type=int, help="EPSG code of the files' coordinates, over what they declare")
    parser.add_argument("--encoding", default="", help="text encoding of DBF and CSV, over what is found")
    parser.add_argument("--theme", default="", help="slug of the theme the layers go under")
    parser.add_argument("--access", default="", choices=["", *Access.values], help="who may see the layers")
    parser.add_argument("--attribution", default="", help="whom to name as the source")
    parser.add_argument("--report", type=Path, help="write the report to this file, as JSON")


def options_from(arguments: dict[str, Any], **more: Any) -> ImportOptions:
    """The import options that the shared arguments ask for."""
    return ImportOptions(
        srid=arguments["srid"],
        encoding=arguments["encoding"],
        theme=arguments["theme"],
        access=arguments["access"],
        attribution=arguments["attribution"],
        **more,
    )


def show(stdout: Any, outcomes: list[ImportOutcome], report: Path | None) -> None:
    """Print the report as a table, with its summary, and write it as JSON where asked."""
    stdout.write(table(outcomes))
    stdout.write(summary(outcomes))
    if report:
        report.write_text(json.dumps(as_json(outcomes), ensure_ascii=False, indent=1), encoding="utf-8")
