"""Check the files of an output folder that belong to no single shard: sizes, equal sounds, and files that no build writes."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

from pipeline.output.address_files import address_name
from pipeline.output.damage import DamagedFileError
from pipeline.output.digests_index import checked_index, sha256_of
from pipeline.output.equal_sounds_file import EqualSounds, checked_equal_sounds
from pipeline.output.folder_readme import OURS, readme
from pipeline.output.json_values import table, text
from pipeline.output.layout import (
    ADDRESSES,
    DIGESTS_INDEX,
    EQUAL_SOUNDS,
    INDEX,
    LEAKS,
    LEFT_OUT,
    MOVED,
    N_DIGESTS,
    NEW_PLAN,
    PLAN,
    README,
    RECIPE,
    RECORDINGS,
    REMOVING,
    REPORTS,
    RETIRED,
    SHARED,
    T5_CACHE,
    T5_PARTS,
    T5_TEXTS,
    digests_name,
    names_of,
    plan_name,
    shard_of,
    sizes_name,
    tar_name,
)
from pipeline.output.layout import BUILD as BUILD_RECORD
from pipeline.output.leaks_file import OUTDATED, checked_certificate
from pipeline.output.plan_index import PlannedShard
from pipeline.output.recordings_file import checked_recordings
from pipeline.output.shared_file import read_shared
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import ShardId, SimilarSounds
from pipeline.verbs.verify_fault import BUILD, COMPARE_AGAIN, PLAN_AGAIN, REMOVE, Fault, Note, shown, unread, why
from pipeline.verbs.verify_shard import CheckedShard
from transforms.shards.equal_sounds import Sound, compared_sha256, sounds_left_out
from transforms.shards.similar_left_out import read_printed, similar_left_out

EQUAL = f"{PLAN}/{EQUAL_SOUNDS}"


def read_equal(folder: Folder) -> tuple[list[Fault], EqualSounds | None]:
    """Return what is wrong with the file of equal sounds, and its content, `None` where it cannot be read."""
    try:
        return [], checked_equal_sounds(folder)
    except FileNotFoundError:
        return [Fault(None, None, EQUAL, "missing: the sounds of the shards were not compared", BUILD)], None
    except (DamagedFileError, OSError) as error:
        return [Fault(None, None, EQUAL, unread(error), COMPARE_AGAIN)], None


def check_equal_sounds(
    recorded: EqualSounds, checked: Sequence[CheckedShard], folder: Folder | None = None, similar: SimilarSounds = "report"
) -> Iterator[Fault]:
    """Yield a fault for each shard whose equal sounds are not those that the books of all shards give.

    Nothing is compared where the books of a shard cannot be read: that is a fault of the shard.

    Args:
        folder: where the books are, which are read again for the fingerprints where similar sounds are left out.
    """
    if any(shard.sounds_sha256 is None for shard in checked):
        return
    expected: dict[ShardId, list[tuple[str, str]]] = {}
    sounds: Iterable[Sound] = (sound for shard in checked for sound in shard.sounds)
    left_out = sounds_left_out(sounds)
    if similar != "report" and folder is not None:
        left_out = similar_left_out(read_printed(folder, [each.shard for each in checked], 1), similar)
    for shard, pcm_sha256, key in left_out:
        expected.setdefault(shard, []).append((pcm_sha256, key))
    for shard in sorted(expected.keys() | recorded.in_other_shards.keys()):
        given, wanted = set(recorded.of(shard)), set(expected.get(shard, ()))
        for key in sorted({key for _, key in given ^ wanted}):
            what = "the books of all shards do not give this sound" if (key in {each for _, each in given}) else "its sound is missing"
            yield Fault(shard, key, EQUAL, what, COMPARE_AGAIN)
        if given == wanted and len(recorded.of(shard)) != len(wanted):
            yield Fault(shard, None, EQUAL, "has a sound twice", COMPARE_AGAIN)
    if recorded.sounds_sha256 != compared_sha256(((each.shard, str(each.sounds_sha256)) for each in checked), similar):
        yield Fault(None, None, EQUAL, "was made from other sounds than the books of all shards have", COMPARE_AGAIN)


def check_sizes(folder: Folder, checked: Sequence[CheckedShard]) -> Iterator[Fault]:
    """Yield a fault for each tar that the sizes.json of its split does not count as it is."""
    splits: dict[str, dict[str, int]] = {}
    for each in checked:
        splits.setdefault(each.shard.folder, {})[tar_name(each.shard).rpartition("/")[2]] = each.n_samples
    for split, sizes in splits.items():
        name = sizes_name(split)
        try:
            given = folder.read_json(name)
        except (OSError, DamagedFileError) as error:
            missing = isinstance(error, FileNotFoundError)
            yield Fault(None, None, name, "missing" if missing else f"cannot be read ({why(error)})", BUILD)
            continue
        if not isinstance(given, dict):
            yield Fault(None, None, name, f"is {shown(given)}, not the sizes of tars", BUILD)
            continue
        for tar in sorted(sizes.keys() | given.keys()):
            if type(given.get(tar)) is not int or sizes.get(tar) != given[tar]:
                shard = shard_of(f"{split}/{tar}")
                what = f"{tar} is {shown(given.get(tar, 'missing'))}, counted {sizes.get(tar, 'no such shard')}"
                yield Fault(shard, None, name, what, BUILD)
        if sizes == given and list(sizes) != list(given):
            yield Fault(None, None, name, "its tars are not in order", BUILD)


def check_recordings(folder: Folder) -> Iterator[Fault]:
    """Yield a fault where the file that records size and time of local recordings is damaged; it may be missing."""
    remedy = f"remove {RECORDINGS}: the next build reads all local recordings again"
    try:
        checked_recordings(folder)
    except FileNotFoundError:
        return
    except (DamagedFileError, OSError) as error:
        yield Fault(None, None, RECORDINGS, unread(error), remedy)


def check_readme(folder: Folder, name: str, checked: Sequence[CheckedShard]) -> Iterator[Fault]:
    """Yield a fault where README.md does not name the files that hold samples; one without our mark is the user's.

    It is not compared while a shard has faults, which would only be named again.

    Args:
        name: of the recipe.
    """
    expected = readme(name, (each.shard for each in checked if each.n_samples), (each.shard for each in checked)).encode()
    try:
        given = folder.read(README)
    except (OSError, DamagedFileError) as error:
        what = "missing" if isinstance(error, FileNotFoundError) else f"cannot be read ({why(error)})"
        yield Fault(None, None, README, what, BUILD)
        return
    if OURS.encode() in given and given != expected and not any(each.faults for each in checked):
        yield Fault(None, None, README, "is not what a build writes for these shards", BUILD)


def check_addresses(folder: Folder, files: Iterable[str]) -> Iterator[Fault]:
    """Yield a fault for each file of full addresses that cannot be read: recordings of its shard could not be fetched."""
    for name in files:
        if name.startswith(f"{PLAN}/{ADDRESSES}/"):
            try:
                table(text)(folder.read_json(name), "the content")
            except (OSError, ValueError) as error:
                yield Fault(None, None, name, f"damaged: {why(error)}", PLAN_AGAIN)


def check_shared(folder: Folder, files: Container[str]) -> Iterator[Fault]:
    """Yield a fault where the list of shared recordings cannot be read. A plan that an earlier version made has none."""
    if f"{PLAN}/{SHARED}" in files and read_shared(folder) is None:
        yield Fault(None, None, f"{PLAN}/{SHARED}", "damaged: it is no list of shared recordings", PLAN_AGAIN)


def check_digests(folder: Folder, files: Container[str]) -> Iterator[Fault]:
    """Yield a fault for each file of the digests of rows that is not as it was written. A plan with `--limit` or by a T5 has none."""
    index, remedy = f"{PLAN}/{DIGESTS_INDEX}", f"remove {PLAN}/{DIGESTS_INDEX}: the next new plan is made from all rows"
    if index not in files:
        return
    try:
        written = checked_index(folder).files
    except (OSError, ValueError) as error:
        yield Fault(None, None, index, f"damaged: {why(error)}", remedy)
        return
    for name, sha256 in written.items():
        try:
            is_right = sha256_of(folder.read(f"{PLAN}/{name}")) == sha256
        except (OSError, ValueError) as error:
            yield Fault(None, None, f"{PLAN}/{name}", f"cannot be read ({why(error)})", remedy)
            continue
        if not is_right:
            yield Fault(None, None, f"{PLAN}/{name}", "damaged: it is not as it was written", remedy)


def check_leaks(folder: Folder, files: Container[str]) -> Iterator[Fault]:
    """Yield a fault where leaks.json cannot be read, and a note where it was made from other shards."""
    if LEAKS not in files:
        return
    try:
        certificate = checked_certificate(folder)
    except (DamagedFileError, OSError) as error:
        yield Fault(None, None, LEAKS, unread(error), "remove it, and run `laion-audio leaks` with --write again")
        return
    if not certificate.is_current(take_snapshot(folder)):
        yield Note(None, None, "", OUTDATED, "")


def check_names(files: Mapping[str, object], planned: Sequence[PlannedShard], has_t5: bool) -> Iterator[Fault]:
    """Yield a fault for each file that no build of this plan writes: readers would take a tar of it for a part of the set."""
    shards = [entry.shard for entry in planned]
    of_plan = (INDEX, LEFT_OUT, EQUAL_SOUNDS, SHARED, T5_CACHE, DIGESTS_INDEX, *map(digests_name, range(N_DIGESTS)))
    known = {RECIPE, BUILD_RECORD, RECORDINGS, REMOVING, *REPORTS, *(f"{PLAN}/{name}" for name in of_plan)}
    known |= {f"{PLAN}/{T5_TEXTS}"} if has_t5 else set()
    known |= {f"{PLAN}/{plan_name(shard)}" for shard in shards} | {address_name(shard) for shard in shards}
    known |= {name for shard in shards for name in (*names_of(shard), sizes_name(shard.folder))}
    for name in files:
        if name not in known and not name.startswith(f"{PLAN}/{T5_PARTS}/"):
            yield _unknown(name)


def _unknown(name: str) -> Fault:
    """Return the fault of a file that no build of this plan writes."""
    shard = shard_of(name)
    if name.startswith((f"{NEW_PLAN}/", f"{MOVED}/")) or name == f"{PLAN}/{RETIRED}":
        return Fault(None, None, name, "a file of a build that was not finished", BUILD)
    if name.startswith(f"{PLAN}/"):
        return Fault(None, None, name, "no file of the plan", REMOVE)
    if shard is not None:
        return Fault(shard, None, name, "a file of a shard that is not in the plan", REMOVE)
    return Fault(None, None, name, "no file of a build", REMOVE)
