"""Keep the traceback of a fault of this program in a file, so that the terminal shows a sentence and the file can be reported."""

from __future__ import annotations

import tempfile
import traceback
from pathlib import Path

from pipeline.failures import Failure
from pipeline.machine.private_folder import private_folder
from pipeline.masking import mask_command, mask_text


def write_fault(failure: Failure, error: BaseException, command: list[str]) -> Path:
    """Write where a fault happened into a new file in the folder of this user; return its path. Secrets in addresses are masked.

    Raises:
        OSError: the file cannot be written.
    """
    details = failure.details or "".join(traceback.format_exception(error))
    text = "\n".join((" ".join(mask_command(command)), *map(mask_text, details.splitlines()), ""))
    with tempfile.NamedTemporaryFile("w", dir=private_folder(), prefix="fault-", suffix=".log", delete=False, encoding="utf-8") as file:
        file.write(text.encode("utf-8", "replace").decode())
    return Path(file.name)
