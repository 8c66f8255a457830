"""Send an exported folder to a repository of a model hub, in one commit. Without the user's consent nothing is sent."""

import json
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import httpx, validate_repo_id

from train.errors import BadInput, Stopped
from train.hub.feature_extraction import FixedClapFeatureExtractor

CONFIG = "preprocessor_config.json"
FIRST = "README.md"  # the card is shown first


@dataclass(frozen=True)
class PublishedFile:
    """A file of the folder. name: in the repository. size: bytes."""

    name: str
    path: Path
    size: int


def published_files(folder: Path) -> list[PublishedFile]:
    """List what would be sent: every file of an exported folder but hidden ones. Raise BadInput if `export` did not write the folder."""
    if not is_exported(folder):
        raise BadInput(f"{folder} is no exported folder; `export RUN {folder}` writes one")
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    shown = [name for name in names if not any(part.startswith(".") or part == "__pycache__" for part in name.split("/"))]
    return [PublishedFile(name, folder / name, (folder / name).stat().st_size) for name in sorted(shown, key=lambda name: name != FIRST)]


def is_exported(folder: Path) -> bool:
    """Return whether `export` wrote a folder."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return str(config["feature_extractor_type"]).startswith(FixedClapFeatureExtractor.__name__)
    except (OSError, ValueError, LookupError, TypeError):
        return False


def check_repository(repository: str) -> None:
    """Raise BadInput if this is no name of a repository."""
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise BadInput(f"{repository!r} is no name of a repository (OWNER/NAME): {error}") from error


def publish(folder: Path, repository: str, api: HfApi) -> str:
    """Send the files of an exported folder. Return the address of the commit.

    A repository that does not exist is made, as a private one. Other files of it stay. Raise Stopped if the hub refuses or cannot be
    reached: its files are then as they were.
    """
    files = published_files(folder)
    check_repository(repository)
    operations = [CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file.path) for file in files]
    try:
        name = api.create_repo(repository, private=True, exist_ok=True).repo_id
        return api.create_commit(name, operations, commit_message="Add the exported model").commit_url
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        remedy = "; log in by `hf auth login`, or set HF_TOKEN to a token that may write" if status in (401, 403, 404) else ""
        raise Stopped(f"{api.endpoint} refused {repository} ({status}): {error.server_message or first_line(error)}{remedy}") from error
    except (httpx.HTTPError, RuntimeError, ValueError, OSError) as error:
        cause = error.__cause__ or error
        raise Stopped(f"nothing was published in {repository}, since {api.endpoint} failed: {first_line(cause)}; try again") from error


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or the name of its class if it has none."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)


def listing(files: list[PublishedFile], target: str) -> str:
    """Return what would be sent, one line a file.

    >>> print(listing([PublishedFile("README.md", Path("README.md"), 2048)], "me/model"))
    to me/model:
         2,048  README.md
         2,048  bytes in 1 files
    """
    rows = [(file.size, file.name) for file in files] + [(sum(file.size for file in files), f"bytes in {len(files)} files")]
    width = max(10, *(len(f"{size:,}") for size, _ in rows))
    return "\n".join([f"to {target}:", *(f"{size:>{width},}  {name}" for size, name in rows)])
