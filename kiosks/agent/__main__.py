"""`python -m kiosks.agent --config FILE [--check] [--once]`."""

import sys

from geoportal.messaging.device.agent import main
from kiosks.agent.totem import TotemSource

sys.exit(main("totem", TotemSource.of, program="kiosks.agent"))
