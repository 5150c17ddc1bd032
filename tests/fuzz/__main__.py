"""Ask the running product at random by its own OpenAPI document: `make fuzz`.

Without `--url` a product of its own with the sample city is started. Exit code 0: no server error and no answer that
the document does not allow; 1: some, listed with a command that asks each again.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

import requests
import schemathesis

from tests.fuzz.run import Case, Report, fuzz
from tests.product import running

ANSWER_S = 60
OPEN_TO_A_STEWARD = """
from django.contrib.auth.models import Group
from geoportal.accounts.tokens import create
from geoportal.models import User
from layers.models import Layer
from layers.rights import STEWARDS
Layer.objects.filter(kind="vector", is_live=False).update(is_editable=True)
user = User.objects.create_user("prova-a-caso")
user.groups.add(Group.objects.get_or_create(name=STEWARDS)[0])
print(create(user, "prova", None)[1])
"""
"""Opens the layers of this product to writing, and prints a token of somebody who may."""


def main() -> int:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--url", help="a running site, such as http://127.0.0.1:8000")
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--paths", default="", help="only paths that match this regular expression")
    parser.add_argument("--token", default=os.environ.get("GEOPORTAL_TOKEN", ""), help="access token to ask with")
    parser.add_argument("--steward", action="store_true", help="ask as a steward who may write in every layer")
    options = parser.parse_args()
    if options.url:
        return report(options, options.url.rstrip("/"))
    with running("fuzz") as product:
        if options.steward:
            options.token = product.manage("shell", "--verbosity", "0", "-c", OPEN_TO_A_STEWARD).stdout.split()[-1]
        return report(options, product.url)


def report(options: argparse.Namespace, site: str) -> int:
    """Run against a site and print what came of it."""
    session = requests.Session()
    if options.token:
        session.headers["Authorization"] = f"Bearer {options.token}"
    document = session.get(f"{site}/ogc/openapi", timeout=ANSWER_S).json()
    schema = schemathesis.openapi.from_dict(document).include(path_regex=options.paths or ".*")
    start = time.monotonic()

    def send(case: Case) -> schemathesis.Response:
        return case.call(base_url=f"{site}/ogc", session=session, timeout=ANSWER_S)

    found = fuzz(schema, send, requests=options.requests, seed=options.seed)
    _say(found, options.seed, time.monotonic() - start)
    return 1 if found.found else 0


def _say(found: Report, seed: int, took_s: float) -> None:
    statuses = ", ".join(f"{number} of {status}" for status, number in sorted(found.statuses.items()))
    sys.stdout.write(f"{found.requests} requests in {took_s:.0f} s, seed {seed}: {statuses}\n")
    for (label, title), text in found.found.items():
        sys.stdout.write(f"\n{label}: {title}\n{text}\n")
    sys.stdout.write(f"{len(found.found)} kinds of wrong answers\n")


if __name__ == "__main__":
    sys.exit(main())
