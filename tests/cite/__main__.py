"""Run OGC compliance suites (CITE) against a site: `make cite`, or `python -m tests.cite [SUITE …] [--url SITE]`.

Archives are taken from var/cite, where `mvn` puts them from Maven Central; they need Java. Without `--url` a product of
its own with the sample city is started. Exit code 0: nothing failed; 1: something failed; 2: a suite could not be had.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from tests.cite.suites import SUITES, Suite
from tests.product import BASE, running

JARS = BASE / "var" / "cite"
RUN_S = 1800


def main() -> int:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tests.cite", description=__doc__)
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"of {', '.join(SUITES)}; all unless told")
    parser.add_argument("--url", help="a running site, such as http://127.0.0.1:8000")
    options = parser.parse_args()
    unknown = sorted(set(options.suites) - set(SUITES))
    if unknown:
        parser.error(f"there is no suite {unknown[0]!r}; there are {', '.join(SUITES)}")
    names = options.suites or list(SUITES)
    ready = {name: jar for name in names if (jar := archive(SUITES[name])) is not None}
    codes = [2] * (len(names) - len(ready))
    if ready and options.url:
        codes += [run(name, jar, options.url.rstrip("/")) for name, jar in ready.items()]
    elif ready:
        with running("cite") as product:
            codes += [run(name, jar, product.url) for name, jar in ready.items()]
    return max(codes)


def archive(suite: Suite) -> Path | None:
    """The suite's archive, fetched if it is not there; None, with the reason said, when it cannot be had."""
    target = JARS / suite.jar
    if target.is_file():
        return target
    JARS.mkdir(parents=True, exist_ok=True)
    wanted = f"org.opengis.cite:{suite.artifact}:{suite.version}:jar:aio"
    command = ["mvn", "-q", "dependency:copy", f"-Dartifact={wanted}", f"-DoutputDirectory={JARS}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    except FileNotFoundError:
        say(f"{suite.jar}: Maven (mvn) is not installed; put the archive into {JARS} yourself.")
        return None
    if done.returncode or not target.is_file():
        reason = next((line for line in done.stdout.splitlines() if "ould not find" in line), "mvn failed")
        say(f"{suite.jar}: not to be had ({reason.split(': ', 1)[-1][:160]}); build it and put it into {JARS}.")
        return None
    return target


def run(name: str, jar: Path, site: str) -> int:
    """Run one suite and print what came of it."""
    entries = "".join(
        f"<entry key={quoteattr(key)}>{escape(value)}</entry>" for key, value in SUITES[name].arguments(site).items()
    )
    with tempfile.TemporaryDirectory(prefix="cite-") as folder:
        properties = Path(folder, "run.xml")
        # Without a DOCTYPE: the suites would fetch it.
        properties.write_text(f'<?xml version="1.0" encoding="UTF-8"?><properties version="1.0">{entries}</properties>')
        command = ["java", "-jar", str(jar), "-o", folder, str(properties)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, cwd=folder)
        except FileNotFoundError:
            say(f"{name}: Java is not installed.")
            return 2
        found = sorted(Path(folder).rglob("testng-results.xml"))
        if not found:
            say(f"{name}: the suite ended with {done.returncode} and no results.\n{done.stderr[-2000:]}")
            return 2
        return report(name, found[-1])


def report(name: str, results: Path) -> int:
    """Print counts, and why tests failed or were skipped. Returns 1 when any failed."""
    counts: Counter[str] = Counter()
    lines: list[str] = []
    for method in ElementTree.parse(results).iter("test-method"):  # written by the suite we have just run
        status = method.get("status", "")
        if method.get("is-config") == "true" and status == "PASS":
            continue
        counts[status] += 1
        if status != "PASS":
            words = " ".join((method.findtext(".//message") or "a test it depends on did not pass").split())
            lines.append(f"  {status:4} {method.get('name')}: {words[:300]}")
    say(f"{name}: {counts['PASS']} passed, {counts['FAIL']} failed, {counts['SKIP']} skipped")
    say("\n".join(sorted(lines)))
    return int(counts["FAIL"] > 0 or not counts["PASS"])


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
