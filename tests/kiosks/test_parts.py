"""The drivers of a totem's parts against files and programs as the kernel and ALSA have them."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoportal.messaging.device.commands import CommandError, Unsupported
from kiosks.agent.parts import Backlight, Mixer

AMIXER = """Simple mixer control 'Master',0
  Capabilities: pvolume pswitch pswitch-joined
  Playback channels: Front Left - Front Right
  Limits: Playback 0 - 65536
  Front Left: Playback 26214 [40%] [{switch}]
  Front Right: Playback 26214 [40%] [{switch}]
"""


def test_the_backlight_is_read_and_set(backlight: Path) -> None:
    driver = Backlight(backlight)
    assert driver.read() == {"backlight": 50, "disp_on": True}
    driver.set_percent(25)
    driver.switch(False)
    assert driver.read() == {"backlight": 25, "disp_on": False}
    driver.switch(True)
    assert driver.read()["disp_on"] is True


def test_a_machine_without_parts_says_so(tmp_path: Path) -> None:
    assert Backlight(tmp_path).read() == {}
    assert Mixer(program="no-such-program").read() == {}
    for order in (lambda: Backlight(tmp_path).switch(True), lambda: Mixer(program="no-such-program").set_percent(3)):
        with pytest.raises(Unsupported):
            order()


def test_a_backlight_that_may_not_be_written_is_a_failure_with_its_reason(backlight: Path) -> None:
    (backlight / "panel" / "brightness").unlink()
    (backlight / "panel" / "brightness").mkdir()
    with pytest.raises(CommandError, match="brightness cannot be written"):
        Backlight(backlight).set_percent(10)


@pytest.mark.parametrize(("switch", "volume"), [("on", 40), ("off", 0)])
def test_the_loudspeaker_is_read_and_set(tmp_path: Path, switch: str, volume: int) -> None:
    program = tmp_path / "amixer"
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat <<EOF\n{AMIXER.format(switch=switch)}EOF\n')
    program.chmod(0o755)
    mixer = Mixer(program=str(program))
    assert mixer.read() == {"volume": volume}
    mixer.set_percent(70)
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "-M set Master 70% unmute"
