"""`python crowd.py PORT COUNT`: so many open event streams, read and thrown away, until it is killed."""

import selectors
import socket
import sys

REQUEST = b"GET /eventi HTTP/1.1\r\nHost: localhost\r\n\r\n"


def main() -> None:
    port, count = map(int, sys.argv[1:])
    waiting = selectors.DefaultSelector()
    for _ in range(count):
        opened = socket.create_connection(("127.0.0.1", port), timeout=30)
        opened.sendall(REQUEST)
        opened.setblocking(False)
        waiting.register(opened, selectors.EVENT_READ)
    while True:
        for key, _events in waiting.select():
            if isinstance(key.fileobj, socket.socket) and not key.fileobj.recv(1 << 20):
                waiting.unregister(key.fileobj)


if __name__ == "__main__":
    main()
