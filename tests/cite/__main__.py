"""Run OGC compliance suites (CITE) against a site: `make cite`, or `python -m tests.cite [SUITE …] [--url SITE]`.

Archives are taken from var/cite, where `mvn` puts them from Maven Central; they need Java. A suite compiled from its
source is taken from the folder that CITE_CLASSES names instead: there a folder of the suite's name with `testng.xml`,
`classes/` and `lib/*.jar`. Without `--url` a product of its own with the sample city is started. Exit code 0: nothing
failed; 1: something failed; 2: a suite could not be had.
"""

from __future__ import annotations

import argparse
import os
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
    ready = {name: place for name in names if (place := compiled(name) or archive(SUITES[name])) is not None}
    codes = [2] * (len(names) - len(ready))
    if ready and options.url:
        codes += [run(name, place, options.url.rstrip("/")) for name, place in ready.items()]
    elif ready:
        with running("cite") as product:
            codes += [run(name, place, product.url) for name, place in ready.items()]
    return max(codes)


def compiled(name: str) -> Path | None:
    """The suite's folder below CITE_CLASSES, if there is one."""
    root = os.environ.get("CITE_CLASSES", "")
    return Path(root, name) if root and Path(root, name, "testng.xml").is_file() else None


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


def run(name: str, place: Path, site: str) -> int:
    """Run one suite, an archive or a folder of classes, and print what came of it."""
    with tempfile.TemporaryDirectory(prefix="cite-") as folder:
        prepared = _of_classes if place.is_dir() else _of_archive
        command = prepared(place, Path(folder), SUITES[name].arguments(site))
        try:
            # What they print is every request and answer.
            done = subprocess.run(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=RUN_S, cwd=folder
            )
        except FileNotFoundError:
            say(f"{name}: Java is not installed.")
            return 2
        found = sorted(Path(folder).rglob("testng-results.xml"))
        if not found:
            say(f"{name}: the suite ended with {done.returncode} and no results.\n{done.stderr[-2000:]}")
            return 2
        return report(name, found[-1])


def _of_archive(jar: Path, folder: Path, arguments: dict[str, str]) -> list[str]:
    entries = "".join(f"<entry key={quoteattr(key)}>{escape(value)}</entry>" for key, value in arguments.items())
    properties = folder / "run.xml"
    # Without a DOCTYPE: the suites would fetch it.
    properties.write_text(f'<?xml version="1.0" encoding="UTF-8"?><properties version="1.0">{entries}</properties>')
    return ["java", "-jar", str(jar), "-o", str(folder), str(properties)]


def _of_classes(place: Path, folder: Path, arguments: dict[str, str]) -> list[str]:
    suite = ElementTree.parse(place / "testng.xml")  # written by whoever runs it
    root = suite.getroot()
    for one in [one for one in root.findall("parameter") if one.get("name") in arguments]:
        root.remove(one)
    for name, value in arguments.items():
        root.insert(0, ElementTree.Element("parameter", name=name, value=value))
    suite.write(folder / "run.xml", encoding="unicode", xml_declaration=True)
    path = os.pathsep.join((str(place / "classes"), str(place / "lib" / "*")))
    return ["java", "-cp", path, "org.testng.TestNG", "-d", str(folder), str(folder / "run.xml")]


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
