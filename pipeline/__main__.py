"""`python -m pipeline`, the same as `laion-audio`."""

import sys

from pipeline.command import main

if __name__ == "__main__":
    sys.exit(main())
