"""Configuration files of the private servers, filled in from templates under deploy/."""

from __future__ import annotations

import re
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent.parent
"""The checkout."""
_MARK = re.compile(r"@([a-z_]+)@")


def fill(template: str, values: dict[str, str]) -> str:
    """Replace every @name@. Raises KeyError for a name without a value, so that none is left in the file."""
    return _MARK.sub(lambda match: values[match.group(1)], template)
