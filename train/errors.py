"""Errors that the command line reports without a traceback."""


class BadInput(ValueError):
    """The user's input cannot be used. The message says what was given, what is allowed and what to do. Exit code 2."""


class NotFinite(ValueError):
    """A model gives numbers that are not finite, which no score can be computed of. The message names them. Exit code 1."""


class Stopped(RuntimeError):
    """A run went wrong and was stopped. The message names the step. Exit code 1."""


class Interrupted(Stopped):
    """A run was asked to stop by a signal, and saved a checkpoint. Exit code 128 + number, as shells give it."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number
