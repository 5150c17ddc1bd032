"""`manage.py broker_certificates FOLDER --name HOST`: CA and certificate of a broker that `make run` does not start."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from geoportal.runtime.certificates import CertificateError, Certificates, names_of


class Command(BaseCommand):
    help = (
        "Make the CA of the devices and the certificate of the broker under it; repeat it at will: what is there stays "
        "until 60 days before its end. After a renewal send the broker SIGHUP, or start it again."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--ca-folder", type=Path, help="where the CA's key is kept; default: the same folder")
        parser.add_argument(
            "--name", action="append", default=[], help="name or address of the broker; may be repeated"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        names = names_of(options["name"], ["localhost", "127.0.0.1", "broker"])
        try:
            renewed = Certificates(folder, options["ca_folder"] or folder, names).ensure()
        except CertificateError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{folder}: {'a new certificate' if renewed else 'the certificate stays'} for {', '.join(names)}"
        )
