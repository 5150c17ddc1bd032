"""`python -m tests.chaos [--seeds 1 2 3] [--seconds 120] [--every 0.5]`: the long storms of `make chaos`."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from tempfile import mkdtemp

from tests.chaos.storm import storm
from tests.product import running

LONGEST_CUT_S = 75.0
"""Longer than the broker waits before it gives a silent connection up and sends its will."""


def main() -> int:
    """One product, one storm a seed; 1 when a number is lost or stored twice."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--every", type=float, default=0.5, help="seconds between the samples of a device (0.5)")
    options = parser.parse_args()
    folder = Path(mkdtemp(prefix="chaos-"))
    bad = 0
    with running("chaos") as product:
        for seed in options.seeds:
            sys.stdout.write(f"seed {seed}: ")
            sys.stdout.flush()
            with storm(product, folder / str(seed), seed, options.every) as blowing:
                blowing.longest_cut_s = LONGEST_CUT_S
                if blowing.no_network:
                    sys.stdout.write(f"no network is cut: {blowing.no_network}\n  ")
                blowing.blow(options.seconds)
                account = blowing.settle()
            sys.stdout.write(f"hit {' '.join(blowing.killed)}\n  {account}\n")
            for name in ("lost", "doubled"):
                for devid, boot, seq in getattr(account, name)[:20]:
                    sys.stdout.write(f"  {name}: {devid} {boot} {seq}\n")
            bad += len(account.lost) + len(account.doubled)
    if bad:
        sys.stdout.write(f"The spools and ledgers are in {folder}\n")
    else:
        shutil.rmtree(folder)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
