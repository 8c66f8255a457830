"""Run `python -m train VERB`; see train/command.py."""

import os
import sys

# Before torch starts its threads: by default they wait for work in a loop, which takes the processor from the thread that they wait for
# when another process is busy. A step beside two busy processes then took eight times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from train.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda text: print(text, flush=True), lambda text: print(text, file=sys.stderr, flush=True)))
