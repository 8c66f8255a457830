"""Errors that the command line reports without a traceback."""


class BadInput(ValueError):
    """The user's input cannot be used. The message says what was given, what is allowed and what to do. Exit code 2."""


class Stopped(RuntimeError):
    """A run went wrong and was stopped. The message names the step. Exit code 1."""
