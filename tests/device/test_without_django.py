"""What docs/agents.md says to copy is all that an agent needs: it runs alone, with nothing but its few libraries."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from geoportal.messaging.device.config import AgentConfig
from geoportal.runtime.templates import BASE

GUARD = """
import importlib.abc, runpy, sys
from pathlib import Path
ALLOWED = {allowed!r}
class Guard(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in sys.stdlib_module_names or root in ALLOWED or root.startswith(("_", "encodings")):
            return None
        raise ImportError(f"an agent may not import {{name}}")
sys.meta_path.insert(0, Guard())
sys.path.insert(0, {folder!r})
sys.argv = [{agent!r}, *sys.argv[1:]]
runpy.run_module({agent!r}, run_name="__main__")
"""


def copied(kind: str, folder: Path) -> set[str]:
    """Copy what the documentation names; the third-party packages it asks for."""
    text = (BASE / "docs" / "agents.md").read_text(encoding="utf-8")
    step = re.sub(r"\s+", " ", text.partition("1. Copy")[2].partition("2. `python3")[0])
    named = re.findall(r"`((?:geoportal|kiosks|wifi)[\w/.]*)`", step)
    sources = [one for one in named if one.startswith(("geoportal", kind))]
    assert len(sources) >= 6, sources
    for source in sources:
        target = folder / source
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.endswith("/"):
            shutil.copytree(BASE / source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(BASE / source, target)
    return set(re.findall(r"^([a-z-]+)==", (BASE / "requirements" / "agent.in").read_text(), re.MULTILINE))


@pytest.mark.parametrize(("agent", "kind", "words"), [("kiosks.agent", "totem", ""), ("wifi.agent", "ap", "127.0.0.1")])
def test_an_agent_runs_from_what_the_documentation_says_to_copy(
    tmp_path: Path, agent: str, kind: str, words: str
) -> None:
    folder, package = tmp_path / "opt", agent.partition(".")[0]
    wanted = copied(package, folder)
    modules = {"paho-mqtt": "paho", "websocket-client": "websocket"}
    allowed = {"geoportal", package, *(modules.get(name, name) for name in wanted)}
    source = {"address": words} if words else {}
    config = AgentConfig("dev-alone", kind, "127.0.0.1", 1, "dev-alone", "x", spool_path="spool", source=source)
    (tmp_path / "agent.toml").write_text(config.to_toml())
    script = tmp_path / "run.py"
    script.write_text(GUARD.format(allowed=sorted(allowed), folder=str(folder), agent=agent))
    command = [sys.executable, "-I", str(script), "--config", str(tmp_path / "agent.toml"), "--check"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "nothing listens on 127.0.0.1:1" in result.stdout, result.stdout + result.stderr
    assert not list(folder.rglob("models.py"))
