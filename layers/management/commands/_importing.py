"""Options that the import commands share."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from datetime import datetime
from pathlib import Path
from typing import Any

from layers.importing.models import ImportOutcome
from layers.importing.options import ImportOptions, Mode, moment_of
from layers.importing.report import as_json, summary, table
from layers.models import Access


def add_arguments(parser: ArgumentParser) -> None:
    """What holds for one file as for a folder."""
    parser.add_argument("--srid", type=int, help="EPSG code of the files' coordinates, over what they declare")
    parser.add_argument("--encoding", default="", help="text encoding of DBF and CSV, over what is found")
    parser.add_argument("--theme", default="", help="slug of the theme the layers go under")
    parser.add_argument("--access", default="", choices=["", *Access.values], help="who may see the layers")
    parser.add_argument("--attribution", default="", help="whom to name as the source")
    parser.add_argument(
        "--as-of", type=_moment, help="date or time the data speaks of (RFC 3339), where that is not now"
    )
    parser.add_argument("--report", type=Path, help="write the report to this file, as JSON")


def add_update_arguments(parser: ArgumentParser) -> None:
    """How the data of one file meets the data a layer has."""
    names = [mode.value for mode in Mode]
    parser.add_argument("--mode", default="replace", choices=names, help="what becomes of the data there is")
    parser.add_argument("--key", default="", type=_names, help="synchronise: columns that identify a feature (a,b)")
    parser.add_argument("--tolerance", type=float, help="synchronise without a key: metres within which it is the same")
    parser.add_argument("--match", default="", type=_names, help="synchronise by position: columns that must be equal")
    parser.add_argument("--ignore", default="", type=_names, help="columns whose differences alone change nothing")
    parser.add_argument("--where", action="append", default=[], type=_pair, help="only rows with COLUMN=VALUE")
    parser.add_argument("--note", default="", help="what the version says of itself")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, write nothing")


def update_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """The import options that those arguments ask for."""
    return {
        "mode": Mode(arguments["mode"]),
        "where": dict(arguments["where"]),
        **{name: arguments[name] for name in ("key", "tolerance", "match", "ignore", "note", "dry_run")},
    }


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise ArgumentTypeError(f"{text!r}: write COLUMN=VALUE.")
    return name, value


def _moment(text: str) -> datetime:
    try:
        return moment_of(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: write a date such as 2025-10-10, or a time with its zone.") from error


def options_from(arguments: dict[str, Any], **more: Any) -> ImportOptions:
    """The import options that the shared arguments ask for."""
    return ImportOptions(
        srid=arguments["srid"],
        encoding=arguments["encoding"],
        theme=arguments["theme"],
        access=arguments["access"],
        attribution=arguments["attribution"],
        valid_from=arguments["as_of"],
        **more,
    )


def show(stdout: Any, outcomes: list[ImportOutcome], report: Path | None) -> None:
    """Print the report as a table, with its summary, and write it as JSON where asked."""
    stdout.write(table(outcomes))
    stdout.write(summary(outcomes))
    if report:
        report.write_text(json.dumps(as_json(outcomes), ensure_ascii=False, indent=1), encoding="utf-8")
