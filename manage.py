#!/usr/bin/env python
"""Entry point of every process of the product: `manage.py help` lists them."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "geoportal.settings")
    if sys.argv[1:2] == ["ingest"] and not {"-h", "--help"} & set(sys.argv):
        # It uses no model: without Django's apps and their libraries it needs a third of the memory (docs/adr/0110).
        from geoportal.messaging.ingest import command

        sys.exit(command.main(sys.argv[2:]))
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
