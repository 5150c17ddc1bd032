"""deploy/bootstrap without rights says what an administrator has to install, and stops before changing anything."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from geoportal.runtime.templates import BASE

NEEDED = ("bash", "env", "readlink", "dirname", "id", "sort", "sed", "tail", "tr", "cat", "grep", "date", "apt-get")
NOBODY = 65534


@pytest.fixture
def bare_machine() -> Iterator[Path]:
    """A checkout's bootstrap with a PATH that has the shell's tools and no Node, no npm and no gettext."""
    folder = Path(tempfile.mkdtemp(prefix="geoportale-bare-"))
    folder.chmod(0o755)
    for name in ("deploy", "bin"):
        (folder / name).mkdir()
    shutil.copy(BASE / "deploy" / "bootstrap", folder / "deploy" / "bootstrap")
    for name in NEEDED:
        found = shutil.which(name)
        if found:
            (folder / "bin" / name).symlink_to(found)
    yield folder
    shutil.rmtree(folder)


def bootstrap(folder: Path) -> subprocess.CompletedProcess[str]:
    account = NOBODY if os.geteuid() == 0 else None
    return subprocess.run(
        [str(folder / "bin" / "bash"), str(folder / "deploy" / "bootstrap"), "run"],
        env={"PATH": str(folder / "bin"), "HOME": "/nonexistent"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        user=account,
        group=account,
    )


def test_what_is_missing_is_named_with_the_command_that_installs_it(bare_machine: Path) -> None:
    result = bootstrap(bare_machine)
    assert result.returncode == 1
    assert "There is neither root nor sudo here" in result.stderr
    line = next(line for line in result.stderr.splitlines() if "apt-get install" in line)
    assert {"nodejs", "npm", "gettext"} <= set(line.split())
    assert sorted(path.name for path in bare_machine.iterdir()) == ["bin", "deploy"]


def test_a_launcher_that_fails_when_run_does_not_count(bare_machine: Path) -> None:
    launcher = bare_machine / "bin" / "node"
    launcher.write_text("#!/bin/sh\necho 'node: version not installed' >&2\nexit 127\n")
    launcher.chmod(0o755)
    assert " nodejs" in bootstrap(bare_machine).stderr


def test_an_unknown_purpose_is_refused() -> None:
    result = subprocess.run([str(BASE / "deploy" / "bootstrap"), "everything"], capture_output=True, text=True)
    assert result.returncode == 2
    assert "usage: deploy/bootstrap [run|test]" in result.stderr
