"""Name every file of an output folder. No other module knows these names."""

from __future__ import annotations

from pipeline.records import ShardId

RECIPE, BUILD, README, LEAKS = "recipe.toml", "build.json", "README.md", "leaks.json"
PLAN, NEW_PLAN = "plan", "plan.new"
INDEX, LEFT_OUT = "plan.json", "rejections.parquet"
ROWS_READ, N_REWORDED, HELD_ROWS = "rows_read.json", "reworded.json", "held_rows.json"  # only while a plan is made
ROWS = "rows"  # below a new plan, only while it is made: rows that were read here for workers elsewhere
DIGESTS, DIGESTS_INDEX = "digests", "digests.json"  # below the plan: which rows were read, so that others can be added to the plan
N_DIGESTS = 8
"""Files of digests: one holds 12 MB of a plan of 2.5 million rows, and 500 MB of one of 100 million, which one worker sorts."""
SHARED = "shared_recordings.json"  # below the plan: recordings that are in several datasets or splits; for people, no input of shards
T5_CACHE, T5_TEXTS, T5_COUNTS, T5_PARTS = "t5_captions.parquet", "t5_texts.parquet", "t5_counts.json", "t5"
EQUAL_SOUNDS = "equal_sounds.parquet"
SIZES = "sizes.json"
RECORDINGS = ".recordings"
ADDRESSES = "addresses"  # below the plan: full addresses of clips whose address holds a secret, by shard, until the shard is built
RETIRED = "retired.json"  # below the plan: shards of earlier plans that are not removed yet
OF_PLANS = frozenset(
    {INDEX, LEFT_OUT, ROWS_READ, N_REWORDED, HELD_ROWS, SHARED, T5_CACHE, T5_TEXTS, T5_COUNTS, EQUAL_SOUNDS, RETIRED, DIGESTS_INDEX}
)
BELOW_PLANS = f"{ADDRESSES}/", f"{T5_PARTS}/", f"{ROWS}/", f"{DIGESTS}/"
MOVED = ".moved"  # shards whose clips are in other shards of the plan, until those are built
WORK, LOCK = ".work", ".lock"  # unfinished files of a local build, removed when the next build starts; the lock of a build
WAITING = ".waiting"  # rows left for later of shards that a build leaves as they are, by host; only while it runs
LEDGER = ".budgets.sqlite"  # requests made to each host, so that its limits hold over processes and runs
SLOTS = ".budgets"  # the same for a folder that is not local: the ledger of each slot of shards
STAGED = ".staged"  # copies of the recordings of the user, for workers on other machines; removed when a build is complete
CHECKED = ".verify"  # what an interrupted `verify` has checked, removed when a `verify` ends

DATACARD, ATTRIBUTION, CROISSANT, PAPERS = "DATACARD.md", "ATTRIBUTION.csv", "croissant.json", "papers.json"
REMOVED = "removed.parquet"  # what was removed, as hashes: later plans leave it out
REMOVING = ".removing"  # the same while a removal is not finished
REPORTS = ("report.html", DATACARD, README, LEAKS, ATTRIBUTION, CROISSANT, PAPERS, REMOVED)

TAR, BOOKS, MARKER, EVIDENCE = ".tar", ".parquet", "_stats.json", "_evidence.parquet"
REPORT = REPORTS[0]
PROGRESS = "progress.json"  # how far a shard is, in its folder of unfinished files

RESERVED_NAMES = frozenset({PLAN, NEW_PLAN, RECIPE, BUILD, *(name.lower() for name in REPORTS), "t5"})
"""Names that no dataset may have, in lower case: other files of an output folder have them."""


def plan_name(shard: ShardId) -> str:
    """Return the name of a shard's plan file, relative to the plan's folder.

    >>> plan_name(ShardId("Clotho", "train", 7))
    'Clotho/train/00007.parquet'
    """
    return f"{shard.folder}/{shard.index:05d}.parquet"


def digests_name(number: int) -> str:
    """Return the name of a file of digests of rows, relative to the plan's folder; there are at most `N_DIGESTS`."""
    return f"{DIGESTS}/{number}.parquet"


def planned_shard(name: str) -> ShardId | None:
    """Return the shard of a plan file's name; `None` for the plan's other files.

    >>> planned_shard("Clotho/train/00007.parquet"), planned_shard("rejections.parquet")
    (ShardId(dataset='Clotho', split='train', index=7), None)
    """
    return _shard(name, ".parquet")


def is_name_of_ours(name: str) -> bool:
    """Return whether a build gives a file this name, of a file in the folders of plans and of shards that are held.

    >>> [is_name_of_ours(name) for name in ("plan/Set/train/00007.parquet", "plan/a.txt", ".moved/0/Set/train/7.tar", ".moved/a.jpg")]
    [True, False, True, False]
    """
    below, _, rest = name.partition("/")
    if below == MOVED:
        number, _, rest = rest.partition("/")
        return number.isdecimal() and shard_of(rest) is not None
    return planned_shard(rest) is not None or rest in OF_PLANS or rest.startswith(BELOW_PLANS)


def tar_name(shard: ShardId) -> str:
    """Return the name of a shard's tar."""
    return f"{shard.name}{TAR}"


def books_name(shard: ShardId) -> str:
    """Return the name of a shard's books."""
    return f"{shard.name}{BOOKS}"


def marker_name(shard: ShardId) -> str:
    """Return the name of a shard's marker."""
    return f"{shard.name}{MARKER}"


def evidence_name(shard: ShardId) -> str:
    """Return the name of the file of what hosts answered about a shard's recordings."""
    return f"{shard.name}{EVIDENCE}"


def names_of(shard: ShardId) -> tuple[str, ...]:
    """Return the names of all files of a shard in the order in which they are removed: the marker first."""
    return marker_name(shard), books_name(shard), evidence_name(shard), tar_name(shard)


def slot_name(slot: int) -> str:
    """Return the name of the ledger of a slot: the shards that one worker makes, because their hosts have limits by time."""
    return f"{SLOTS}/slot-{slot}.sqlite"


def waiting_name(shard: ShardId) -> str:
    """Return the name of the file of the rows left for later of a shard that a build leaves as it is."""
    return f"{WAITING}/{shard.name}.json"


def staged_recording_name(sha256: str) -> str:
    """Return the name of the copy of a recording, for workers on other machines.

    >>> staged_recording_name("00ff")
    '.staged/recordings/00ff'
    """
    return f"{STAGED}/recordings/{sha256}"


def staged_files_name(shard: ShardId) -> str:
    """Return the name of the file that says which copies the clips of a shard are made from."""
    return f"{STAGED}/shards/{shard.name}.json"


def sizes_name(split: str) -> str:
    """Return the name of the file that counts the samples of each tar of a split, given as `dataset/split`."""
    return f"{split}/{SIZES}"


def shard_of(name: str) -> ShardId | None:
    """Return the shard that a tar, books, evidence or marker belongs to; `None` for every other file.

    >>> shard_of("Clotho/train/7_stats.json"), shard_of("Clotho/train/sizes.json"), shard_of("plan/Clotho/train/00007.parquet")
    (ShardId(dataset='Clotho', split='train', index=7), None, None)
    """
    return next((shard for ending in (MARKER, EVIDENCE, BOOKS, TAR) if (shard := _shard(name, ending, padded=False)) is not None), None)


def _shard(name: str, ending: str, padded: bool = True) -> ShardId | None:
    if not name.endswith(ending):
        return None
    folder, _, index = name.removesuffix(ending).rpartition("/")
    if padded and index.isdecimal() and index.isascii():
        index = str(int(index))
    try:
        shard = ShardId.parse(f"{folder}/{index}")
    except ValueError:
        return None
    return None if shard.dataset in {PLAN, NEW_PLAN, WORK, CHECKED} else shard
