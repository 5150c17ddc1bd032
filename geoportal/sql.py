"""Named SQL statements kept in files: `-- name: some_query` opens each one.

SQL longer than a line lives in `<package>/sql/*.sql`, so that it can be read, explained and reviewed as SQL.
"""

import re
from functools import cache
from importlib import resources

_NAME = re.compile(r"^-- name: *(\w+) *$", re.MULTILINE)


@cache
def queries(package: str, file: str) -> dict[str, str]:
    """The statements of `<package>/sql/<file>.sql` by name, comments kept (they show up in pg_stat_activity).

    Raises FileNotFoundError when the file is missing and ValueError when a name stands in it twice.
    """
    source = resources.files(package).joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(source)
    found: dict[str, str] = {}
    for name, statement in zip(parts[1::2], parts[2::2], strict=True):
        if name in found:
            raise ValueError(f"{package}/sql/{file}.sql names {name!r} twice")
        found[name] = statement.strip()
    return found
