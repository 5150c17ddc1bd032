"""`--enrol URL TOKEN`: exchange the one-time token of a technician for this device's configuration file."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from geoportal.messaging.device import centre
from geoportal.messaging.device.config import AgentConfig, ConfigError, from_document

_PATH = "/api/enrol"


class EnrolError(Exception):
    """No configuration was fetched or written; the text says why."""


def enrol(url: str, token: str, kind: str, path: Path, *, ca: str = "") -> AgentConfig:
    """Fetch the configuration and write it with mode 600, before anything else may fail.

    What the file held under [source] and [spool] stays. `ca`: the file of the CA that signed the portal's certificate;
    empty: the system's. Raises EnrolError.
    """
    held = _held(path)
    _check_writable(path)
    body = json.dumps({"token": token.strip(), "kind": kind}).encode()
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    try:
        said = json.loads(centre.ask("POST", f"{url.rstrip('/')}{_PATH}", body, headers, ca))
    except (centre.CentreError, OSError) as error:
        raise EnrolError(str(error)) from error
    except ValueError as error:
        raise EnrolError(f"{url} does not answer as the portal does: {error}") from error
    try:
        config = from_document({**said, "spool": held.get("spool", {}), "source": held.get("source", {})})
    except (ConfigError, AttributeError, TypeError) as error:
        raise EnrolError(f"{url} gave a configuration that cannot be used: {error}") from error
    if not config.spool_path:
        config = replace(config, spool_path=f"{config.devid}.spool.sqlite3")
    try:
        write_private(path, config.to_toml())
    except OSError as error:
        raise EnrolError(
            f"{path} cannot be written: {error.strerror}; the token is used up, ask for another"
        ) from error
    return config


def _held(path: Path) -> Mapping[str, Any]:
    """What stands in the file already."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise EnrolError(f"{path} is there and cannot be read: {error}; move it away first") from error


def _check_writable(path: Path) -> None:
    """Before the token is used up: it is good once."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = path.with_name(f".{path.name}.probe")
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise EnrolError(f"{path.parent} cannot be written: {error.strerror}; the token was not used") from error


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
