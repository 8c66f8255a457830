"""Hold the verbs of the command line, a module a verb: `add` describes its options, `run` does it and returns the exit code.

Modules that only some verbs need are imported inside `run`: `--help` must not wait for Beam.
"""
