"""`python -m wifi.agent --config FILE [--config FILE …] [--check] [--once]`."""

import sys

from geoportal.messaging.device.agent import main
from wifi.agent.access_point import AccessPointSource

sys.exit(main("ap", AccessPointSource.of, program="wifi.agent"))
