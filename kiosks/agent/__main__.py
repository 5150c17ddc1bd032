"""`python -m kiosks.agent --config FILE [--check] [--once]`."""

import sys

try:
    from geoportal.messaging.device.agent import main
    from kiosks.agent.totem import TotemSource
except ModuleNotFoundError as error:
    # The server's own environment lacks what only an agent needs.
    sys.exit(f"The Python package {error.name} is missing: pip install --require-hashes -r requirements/agent.txt")

sys.exit(main("totem", TotemSource.of, program="kiosks.agent"))
