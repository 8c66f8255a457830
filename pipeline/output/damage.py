"""Define the error that says that a file of an output folder is damaged."""

from __future__ import annotations


class DamagedFileError(ValueError):
    """A file of an output folder cannot be read, or does not hold what a file of its kind must hold.

    `name` is the file relative to the output folder, `what` says what is wrong with it.
    """

    def __init__(self, name: str, what: str):
        super().__init__(f"{name}: damaged: {what}")  # one text, to the end of which an engine adds the step that failed
        self.name = name
        self.what = what

    def __reduce__(self) -> tuple[type[DamagedFileError], tuple[str, str]]:
        return type(self), (self.name, self.what)
