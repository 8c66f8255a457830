"""The two ways in which training ends early on purpose."""


class BadInput(ValueError):
    """What the user gave cannot be used; the message says what was given, what is wanted and what to do. Exit code 2."""


class Stopped(RuntimeError):
    """The run went wrong and was stopped rather than carried on; the message names the step. Exit code 1."""
