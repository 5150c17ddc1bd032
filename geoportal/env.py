"""Typed reading of the environment: the only place where the product looks at `os.environ`.

Every variable may also be given as `NAME_FILE`, the path of a file that holds the value, so that secrets need
not stand in the environment (Docker and systemd credentials both hand out files).
"""

import os
from pathlib import Path


class EnvError(Exception):
    """A variable is missing or has a value of the wrong form; the text says which and what was expected."""


def raw(name: str) -> str | None:
    """The value of `name`, or the stripped text of the file that `name_FILE` points at, or None when neither is set."""
    value = os.environ.get(name)
    if value is not None:
        return value
    path = os.environ.get(f"{name}_FILE")
    if path is None:
        return None
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise EnvError(f"{name}_FILE points at {path!r}, which cannot be read: {error.strerror}") from error


def text(name: str, default: str | None = None) -> str:
    """A string; required when no default is given."""
    value = raw(name)
    if value is None:
        if default is None:
            raise EnvError(f"{name} is not set; see .env.example for what it means")
        return default
    return value


def integer(name: str, default: int, *, minimum: int | None = None, maximum: int | None = None) -> int:
    """A whole number within the stated bounds."""
    value = raw(name)
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except ValueError:
        raise EnvError(f"{name} must be a whole number, found {value!r}") from None
    if (minimum is not None and number < minimum) or (maximum is not None and number > maximum):
        raise EnvError(f"{name} must lie between {minimum} and {maximum}, found {number}")
    return number


def boolean(name: str, default: bool) -> bool:
    """1/0, true/false, yes/no, on/off, in any case."""
    value = raw(name)
    if value is None or value == "":
        return default
    truth = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return truth[value.lower()]
    except KeyError:
        raise EnvError(f"{name} must be one of {', '.join(truth)}, found {value!r}") from None


def words(name: str, default: list[str]) -> list[str]:
    """A comma-separated list, without empty entries."""
    value = raw(name)
    if value is None:
        return default
    return [word.strip() for word in value.split(",") if word.strip()]


def path(name: str, default: Path) -> Path:
    """A file-system path; relative ones are taken from the working directory."""
    value = raw(name)
    return Path(value).resolve() if value else default
