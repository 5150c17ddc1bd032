"""Which hosts a source may be on: those the operator named, at addresses that are public or that the operator named.

A name is resolved once and the connection goes to that address, so that a name cannot answer something harmless when
it is checked and something internal when it is used. Every redirection is a new address and checked like the first.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from layers.sources.errors import SourceFailed, SourceRefused

USUAL_PORTS = {"http": 80, "https": 443}
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Place:
    """A checked host and the one IP address to connect to."""

    host: str
    port: int
    ip: str


@dataclass(frozen=True, slots=True)
class WebPlace:
    """A checked http(s) address."""

    scheme: str
    place: Place
    path: str
    """With the query."""

    @property
    def origin(self) -> tuple[str, str, int]:
        return self.scheme, self.place.host, self.place.port


def split_url(url: str) -> tuple[str, str, int, str]:
    """Scheme, host, port and path of an http(s) address. Raises SourceRefused for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise SourceRefused(_("«%(url)s» non è un indirizzo web.") % {"url": url[:200]}) from error
    if parts.scheme not in USUAL_PORTS or not parts.hostname or any(ord(char) <= 32 for char in url):
        raise SourceRefused(_("«%(url)s»: serve un indirizzo http o https.") % {"url": url[:200]})
    if parts.username or parts.password:
        raise SourceRefused(_("Utente e password non stanno nell'indirizzo: hanno un campo loro."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.scheme, parts.hostname.lower(), port or USUAL_PORTS[parts.scheme], path


def web_place(url: str) -> WebPlace:
    """Check and resolve an http(s) address. Raises SourceRefused and SourceFailed."""
    scheme, host, port, path = split_url(url)
    return WebPlace(scheme, place_of(host, port, USUAL_PORTS[scheme]), path)


def place_of(host: str, port: int, usual_port: int) -> Place:
    """Check a host and resolve it. Raises SourceRefused when it is not allowed, SourceFailed when it has no address."""
    check_host(host, port, usual_port)
    try:
        found = list(
            dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        )
    except (OSError, UnicodeError) as error:
        raise SourceFailed(_("Il nome %(host)s non si risolve: %(error)s") % {"host": host, "error": error}) from error
    # One bad address among good ones is a trick, or soon will be one.
    for ip in found:
        if not _may_be(ipaddress.ip_address(ip.partition("%")[0])):
            raise SourceRefused(
                _(
                    "%(host)s sta per %(ip)s, che non è un indirizzo pubblico; chi gestisce il portale può "
                    "ammetterne la rete con GEOPORTAL_SOURCE_NETWORKS."
                )
                % {"host": host, "ip": ip}
            )
    if not found:
        raise SourceFailed(_("Il nome %(host)s non ha indirizzi.") % {"host": host})
    return Place(host, port, found[0])


def check_host(host: str, port: int, usual_port: int) -> None:
    """Raise SourceRefused when the operator's list does not name this host (with this port, when it is unusual)."""
    host = host.rstrip(".").lower()
    if any(_names(entry.lower(), host, port, usual_port) for entry in settings.SOURCE_HOSTS):
        return
    raise SourceRefused(
        _("%(host)s non è fra gli host ammessi: chi gestisce il portale lo aggiunge a GEOPORTAL_SOURCE_HOSTS.")
        % {"host": host if port == usual_port else f"{host}:{port}"}
    )


def _names(entry: str, host: str, port: int, usual_port: int) -> bool:
    """Whether an entry of the list (name, name:port, *.domain, [::1]:port) stands for a host and port."""
    name, wanted = entry, usual_port
    head, colon, tail = entry.rpartition(":")
    if colon and tail.isdigit() and (head.startswith("[") or ":" not in head):
        name, wanted = head, int(tail)
    name = name.strip("[]")
    if port != wanted:
        return False
    return host.endswith(name[1:]) and host != name[2:] if name.startswith("*.") else host == name


def _may_be(ip: IpAddress) -> bool:
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    real: IpAddress = mapped or ip
    if real.is_global and not real.is_multicast:
        return True
    networks = (ipaddress.ip_network(text, strict=False) for text in settings.SOURCE_NETWORKS)
    return any(real.version == network.version and real in network for network in networks)
