"""Unix sockets of the servers: what a predecessor left behind."""

import socket
from contextlib import closing
from pathlib import Path

from django.core.management.base import CommandError


def clear_socket(uds: Path) -> None:
    """Remove the socket file of a predecessor that was killed. Raises CommandError when somebody listens on it."""
    with closing(socket.socket(socket.AF_UNIX)) as probe:
        try:
            probe.connect(str(uds))
        except FileNotFoundError:
            return
        except ConnectionRefusedError:
            uds.unlink(missing_ok=True)
            return
        except OSError as error:
            raise CommandError(f"{uds} cannot be used: {error.strerror}") from error
    raise CommandError(f"Another server already listens on {uds}; stop it or choose another --uds")
