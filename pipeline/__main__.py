"""Run `python -m pipeline`: the same command as `laion-audio`."""

from pipeline.command import run

if __name__ == "__main__":
    run()
