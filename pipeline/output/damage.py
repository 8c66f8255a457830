"""Define the error that says that a file of an output folder is damaged."""

from __future__ import annotations


class DamagedFileError(ValueError):
    """A file of an output folder cannot be read, or does not hold what a file of its kind must hold.

    `name` is the file relative to the output folder, `what` says what is wrong with it.
    """

    def __init__(self, name: str, what: str):
        super().__init__(name, what)
        self.name = name
        self.what = what

    def __str__(self) -> str:
        return f"{self.name}: damaged: {self.what}"
