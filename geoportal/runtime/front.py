"""The private nginx before web, heavy and live: its configuration, written at each start from deploy/nginx.conf.in."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from geoportal.runtime.places import Places
from geoportal.runtime.templates import BASE, fill

TEMPLATE = BASE / "deploy" / "nginx.conf.in"
PAGES = BASE / "deploy" / "pages"
BROTLI = Path("/usr/lib/nginx/modules/ngx_http_brotli_filter_module.so")
"""Of a package of its own (libnginx-mod-http-brotli-filter): used where it is installed, gzip otherwise."""
_BROTLI_SETTINGS = (
    # Not for tiles, which are kept compressed by gzip. ETags become weak and Vary is set as gzip does it.
    "brotli on; brotli_comp_level 4; brotli_min_length 512; brotli_types text/plain text/css text/csv text/xml "
    "text/javascript application/javascript application/json application/geo+json application/schema+json "
    '"application/vnd.oai.openapi+json;version=3.0" application/xml application/gml+xml image/svg+xml;'
)
_WORKER_ACCOUNT = "www-data"
"""Whom nginx's workers become when its master runs as root; the account exists on every Debian and Ubuntu."""


class FrontError(Exception):
    """The front server cannot be set up; the text says what is missing or refused."""


def program() -> str:
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise FrontError("nginx is not installed: apt-get install nginx-light")
    return found


def values_for(places: Places) -> dict[str, str]:
    """What the template needs for a private instance."""
    root = os.geteuid() == 0
    account = f"user {_WORKER_ACCOUNT} {_group(_WORKER_ACCOUNT)};" if root else ""
    return {
        "account": account,
        "root": str(places.front),
        "mime_types": _mime_types(),
        "listen": f"{places.listen}:{places.port}",
        "static": str(places.static),
        "pages": str(places.front / "pages"),
        "web": f"unix:{places.sockets}/web.sock",
        "heavy": f"unix:{places.sockets}/heavy.sock",
        "live": f"unix:{places.sockets}/live.sock",
        "log_level": "warn",
        "brotli_module": f"load_module {BROTLI};" if BROTLI.exists() else "",
        "brotli": _BROTLI_SETTINGS if BROTLI.exists() else "",
    }


def prepare(places: Places) -> None:
    """Write the configuration and have nginx check it. Raises FrontError with nginx's own words."""
    for folder in (places.front, places.front / "pages", places.front / "cache"):
        folder.mkdir(parents=True, exist_ok=True)
    for page in PAGES.iterdir():
        shutil.copyfile(page, places.front / "pages" / page.name)
    configuration = fill(TEMPLATE.read_text(encoding="utf-8"), values_for(places))
    (places.front / "nginx.conf").write_text(configuration, encoding="utf-8")
    result = subprocess.run([*command(places), "-t"], capture_output=True, text=True)
    if result.returncode != 0:
        raise FrontError(f"nginx refuses {places.front / 'nginx.conf'}:\n{result.stderr.strip()}")


def clear_stale_files(places: Places) -> None:
    """Remove the socket a killed nginx left: the next one could not listen on it."""
    (places.front / "compress.sock").unlink(missing_ok=True)


def command(places: Places) -> list[str]:
    """nginx in the foreground, for a supervisor. Call `prepare` first."""
    return [program(), "-e", "stderr", "-p", str(places.front), "-c", str(places.front / "nginx.conf")]


def _group(account: str) -> str:
    return grp.getgrgid(pwd.getpwnam(account).pw_gid).gr_name


def _mime_types() -> str:
    path = Path("/etc/nginx/mime.types")
    if not path.exists():
        raise FrontError(f"{path} is missing: apt-get install --reinstall nginx-common")
    return str(path)
