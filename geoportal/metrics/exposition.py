"""`/metrics` on a port of this machine alone, served by a thread of the monitor."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import CollectorRegistry, start_http_server

from geoportal.metrics.collector import Collector
from geoportal.metrics.requests import fold_ended

logger = logging.getLogger(__name__)


def serve_metrics(port: int) -> Callable[[], None]:
    """Serve until the returned function is called. A port that is taken costs the figures, not the monitor."""
    registry = CollectorRegistry()
    registry.register(Collector())
    fold_ended()
    try:
        server, thread = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        logger.error("no figures for Prometheus: port %d of 127.0.0.1 cannot be used: %s", port, error)
        return lambda: None
    logger.info("figures for Prometheus at http://127.0.0.1:%d/metrics", port)

    def stop() -> None:
        server.shutdown()
        thread.join(5)
        server.server_close()

    return stop
