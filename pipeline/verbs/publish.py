"""Send a set to a dataset repository of a Hugging Face hub, a part a commit. What is there already is not sent again."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils import disable_progress_bars, httpx, validate_repo_id
from huggingface_hub.utils.sha import git_hash

from pipeline.counted import counted
from pipeline.failures import PublishError, UsageError
from pipeline.masking import mask_text
from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import INDEX, PLAN, names_of, plan_name, sizes_name
from pipeline.output.markers import facts_of
from pipeline.output.plan_index import Plan
from pipeline.output.storage import Folder
from pipeline.verbs.published_files import PublishedFile

KIND = "dataset"
PLAN_INDEX = f"{PLAN}/{INDEX}"
N_FILES, N_BYTES = 100, 5_000_000_000
"""Files and bytes of one commit: what the hub asks for, and what an interrupted publication repeats at most."""
MAX_SHOWN = 10  # names in a message

There = dict[str, RepoFile]
"""The files of a repository by name."""


def check_repository(repository: str) -> None:
    """Check the name of a repository.

    Raises:
        UsageError: no repository has this name.
    """
    try:
        validate_repo_id(repository)
    except HFValidationError as error:
        raise UsageError(f"{repository!r} is no name of a repository (OWNER/NAME): {error}") from error


def publish(folder: Folder, files: Sequence[PublishedFile], repository: str, api: HfApi, prune: bool, tell: Callable[[str], None]) -> str:
    """Send the files, and return the address of the repository. One that does not exist is made, as a private one.

    Args:
        prune: remove shards from the repository that are not among the files.
        tell: called with a line after each commit.

    Raises:
        UsageError: the repository has other shards, and `prune` is not given.
        DamagedFileError: a file is not the one that its marker records.
        PublishError: the hub refuses, or cannot be reached; what was sent stays there, and the next call goes on.
    """
    disable_progress_bars()
    check_repository(repository)
    with _explained(api, repository):
        url = api.create_repo(repository, private=True, exist_ok=True, repo_type=KIND)
        there = {each.path: each for each in api.list_repo_tree(url.repo_id, recursive=True, repo_type=KIND) if isinstance(each, RepoFile)}
        old = sorted(_of_earlier_plan(url.repo_id, there, api) & there.keys() - {file.name for file in files})
        if old and not prune:
            shown = ", ".join(old[:MAX_SHOWN]) + (", ..." if len(old) > MAX_SHOWN else "")
            what = f"{repository} has {counted(len(old), 'file')} of shards that are not in this set"
            raise UsageError(f"{what}: {shown}; --prune removes them")
        waiting = [file for file in files if not _is_there(folder, file, there)]
        n_sent = 0
        for number, part in enumerate(_parts(waiting), 1):
            removed = old if any(file.name == PLAN_INDEX for file in part) else []  # the plan there says which shards are ours
            _commit(folder, part, removed, url.repo_id, api, f"Add part {number} of the set")
            n_sent += len(part)
            tell(f"sent {n_sent:,} of {counted(len(waiting), 'file')}")
        tell(f"{counted(len(files) - len(waiting), 'file was', 'files were')} there already")
        return str(url)


def _of_earlier_plan(name: str, there: There, api: HfApi) -> set[str]:
    """Return the names of the files of all shards of the plan that was published before; all other files belong to somebody else."""
    if PLAN_INDEX not in there:
        return set()
    with tempfile.TemporaryDirectory(prefix="publish-") as work:
        path = Path(api.hf_hub_download(name, PLAN_INDEX, repo_type=KIND, local_dir=work))
        try:
            shards = [planned.shard for planned in Plan.from_json(json.loads(path.read_bytes())).shards]
        except ValueError:  # a plan of another version, or none
            return set()
    of_splits = {sizes_name(shard.folder) for shard in shards}
    return of_splits | {each for shard in shards for each in (*names_of(shard), f"{PLAN}/{plan_name(shard)}")}


def _is_there(folder: Folder, file: PublishedFile, there: There) -> bool:
    """Return whether the repository has a file, by its hash: the hub has SHA-256 of large files, and git's hash of the others."""
    other = there.get(file.name)
    if other is None or other.size != file.size:
        return False
    if other.lfs is None:
        return other.blob_id == git_hash(file.content() if file.content is not None else folder.read(file.source))
    if file.content is not None:
        return other.lfs.sha256 == sha256(file.content()).hexdigest()
    return other.lfs.sha256 == (file.sha256 or facts_of(folder, file.source).sha256)


def _parts(files: Sequence[PublishedFile]) -> Iterator[list[PublishedFile]]:
    """Yield the files of each commit."""
    part: list[PublishedFile] = []
    for file in files:
        if part and (len(part) == N_FILES or sum(each.size for each in part) + file.size > N_BYTES):
            yield part
            part = []
        part.append(file)
    if part:
        yield part


def _commit(folder: Folder, part: Sequence[PublishedFile], removed: Sequence[str], name: str, api: HfApi, message: str) -> None:
    with tempfile.TemporaryDirectory(prefix="publish-") as work:
        local = folder.fetched((file.source for file in part if file.content is None), Path(work))
        operations: list = [_operation(file, Path(local.path(file.source))) for file in part]
        operations += [CommitOperationDelete(path_in_repo=each) for each in removed]
        api.create_commit(name, operations, commit_message=message, repo_type=KIND)


def _operation(file: PublishedFile, path: Path) -> CommitOperationAdd:
    """Return how a file is added; the hub's library reads and hashes it here.

    Raises:
        DamagedFileError: it is not the file that the marker of its shard records.
    """
    operation = CommitOperationAdd(path_in_repo=file.name, path_or_fileobj=file.content() if file.content is not None else str(path))
    if file.sha256 and operation.upload_info.sha256.hex() != file.sha256:
        raise DamagedFileError(file.source, "its bytes are not those that the marker of its shard records")
    return operation


@contextlib.contextmanager
def _explained(api: HfApi, repository: str) -> Iterator[None]:
    """Turn errors of the hub into one sentence, without secrets."""
    try:
        yield
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        remedy = "; log in by `hf auth login`, or set HF_TOKEN to a token that may write" if status in (401, 403, 404) else ""
        why = mask_text(error.server_message or _first_line(error))
        raise PublishError(f"{api.endpoint} refused {repository} ({status}): {why}{remedy}") from error
    except (httpx.HTTPError, LocalEntryNotFoundError, RuntimeError) as error:
        why = mask_text(_first_line(error.__cause__ or error))
        raise PublishError(f"{api.endpoint} failed: {why}; run the same command again, it goes on where it stopped") from error


def _first_line(error: BaseException) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
