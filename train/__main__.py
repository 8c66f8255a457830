"""Run `python -m train VERB`; see train/command.py."""

import sys

from train.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda text: print(text, flush=True), lambda text: print(text, file=sys.stderr, flush=True)))
