"""One shard: rows and audio in, tar, books and marker out; what was made before is copied."""

from __future__ import annotations

import json
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import apache_beam as beam
import pytest
import soundfile

from pipeline.output.books import read_books
from pipeline.output.layout import evidence_name
from pipeline.output.markers import read_marker
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Caption, Clip, Provenance, Reason, Recording, Rejected, Rejection, Sample, ShardId
from pipeline.verbs.build_record import build_settings
from tests.eager import collect
from tests.fates import tone
from tests.outcomes import rejection, sample, write_plan
from transforms.fetching.fetch import Fetcher
from transforms.fetching.local import local_recording
from transforms.shards import previous_shard as module
from transforms.shards.build_shards import BuildShards, _Reporter, build_shard, finished, leave_out_equal
from transforms.shards.previous_shard import audio_request_hash, read_previous_shard
from transforms.shards.shard_task import BuildSettings, ShardTask, longest_first

SHARD = ShardId("Tones", "train", 0)


class CountingFetch:
    """Fetches from a folder and counts; names that begin with `gone` are not there, `busy` is throttled."""

    def __init__(self, root: Path):
        self.root = root
        self.urls: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, clip: Clip, work: Path) -> Recording:
        with self.lock:
            self.urls.append(clip.url)
        if clip.url.startswith("busy"):
            raise Rejected(Reason.THROTTLED, "HTTP 429", Provenance("https://h/x", 429))
        return local_recording(self.root / clip.url)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    root = tmp_path / "sounds"
    root.mkdir()
    for n in range(8):
        soundfile.write(root / f"{n}.wav", tone(100 + 30 * n), 44_100, subtype="PCM_16")
    return root


@pytest.fixture
def settings(tmp_path: Path) -> BuildSettings:
    return build_settings(load_recipe("quickstart"), Folder(str(tmp_path / "out")))


def clip(url: str, text: str = "A tone.", **fields: object) -> Clip:
    made = Clip("table", "Tones", "train", url.removesuffix(".wav"), url, captions=(Caption(text),), recording=url)
    return replace(made, **fields)  # type: ignore[arg-type]


def make(clips: list[Clip], fetch: CountingFetch, settings: BuildSettings, inputs_sha256: str = "a", **task: object):  # type: ignore[no-untyped-def]
    return build_shard(ShardTask(SHARD, "rows", inputs_sha256, len(clips), **task), clips, fetch, settings)  # type: ignore[arg-type]


def members(settings: BuildSettings) -> dict[str, bytes]:
    with tarfile.open(settings.folder.path("Tones/train/0.tar")) as tar:
        return {name: tar.extractfile(name).read() for name in tar.getnames()}  # type: ignore[union-attr]


def test_members_come_in_pairs_in_plan_order_without_times_or_owners(sounds: Path, settings: BuildSettings) -> None:
    make([clip(f"{n}.wav") for n in (3, 0, 2)], CountingFetch(sounds), settings)
    with tarfile.open(settings.folder.path("Tones/train/0.tar")) as tar:
        infos = tar.getmembers()
    assert [info.name for info in infos] == [f"table-{n}.{kind}" for n in (3, 0, 2) for kind in ("flac", "json")]
    assert {(info.mtime, info.uid, info.gid, info.uname, info.gname, info.mode) for info in infos} == {(0, 0, 0, "", "", 0o644)}


def test_the_json_of_every_sample_has_the_same_keys(sounds: Path, settings: BuildSettings) -> None:
    make([clip("0.wav"), clip("1.wav", title="One", labels=("a",), license="CC0-1.0", start=0.1, end=0.2)], CountingFetch(sounds), settings)
    first, second = (json.loads(data) for name, data in members(settings).items() if name.endswith(".json"))
    assert first.keys() == second.keys() == {"text", "tag", "original_data"}
    assert first["original_data"].keys() == second["original_data"].keys()
    assert first["original_data"]["title"] == "" and second["original_data"]["title"] == "One"
    assert first["tag"] == [] and second["original_data"]["duration"] == pytest.approx(0.1, abs=1e-4)


BOTH = (Caption("A tone."), Caption("A tone sounds.", "t5", "model", "tone"))


@pytest.mark.parametrize(
    ("text_holds", "captions", "texts"),
    [
        ("all", BOTH, (["A tone.", "A tone sounds."], ["A tone.", "A tone sounds."], ["A tone sounds."])),
        ("t5", BOTH, (["A tone sounds."], ["A tone.", "A tone sounds."], ["A tone sounds."])),
        ("others", BOTH, (["A tone."], ["A tone.", "A tone sounds."], ["A tone sounds."])),
        ("all", BOTH[:1], (["A tone."], ["A tone."], ["A tone."])),  # the T5 had nothing to say: the same keys all the same
        ("t5", BOTH[:1], (["A tone."], ["A tone."], ["A tone."])),
    ],
)
def test_a_dataset_with_captions_by_a_t5_has_both_augmented_texts_in_every_sample(
    text_holds: str, captions: tuple[Caption, ...], texts: tuple, sounds: Path, settings: BuildSettings
) -> None:
    make([clip("0.wav", captions=captions, text_holds=text_holds)], CountingFetch(sounds), settings)
    sample = json.loads(members(settings)["table-0.json"])
    assert (sample["text"], sample["text_augment_all"], sample["text_augment_t5"]) == texts
    assert [caption["text"] for caption in sample["original_data"]["captions"]] == texts[1]


def test_books_hold_every_row_and_the_marker_counts_them(sounds: Path, settings: BuildSettings) -> None:
    marker = make([clip("0.wav"), clip("gone.wav"), clip("busy.wav"), clip("1.wav")], CountingFetch(sounds), settings)
    rows = read_books(settings.folder, SHARD).to_pylist()
    assert [(row["status"], row["reason"]) for row in rows] == [
        ("sample", None),
        ("rejected", "not_found"),
        ("rejected", "throttled"),
        ("sample", None),
    ]
    assert (rows[2]["http_status"], rows[2]["final_url"]) == (429, "https://h/x")
    assert (marker.n_planned, marker.n_samples, marker.reasons) == (4, 2, {"not_found": 1, "throttled": 1})
    assert read_marker(settings.folder, SHARD) == marker


def test_clips_of_one_recording_are_fetched_once(sounds: Path, settings: BuildSettings) -> None:
    fetch = CountingFetch(sounds)
    make([clip("0.wav", id=f"part-{n}", start=n / 20, end=n / 20 + 0.04) for n in range(5)] + [clip("1.wav")], fetch, settings)
    assert sorted(fetch.urls) == ["0.wav", "1.wav"]


def test_evidence_of_recordings_that_are_on_this_disk_now_goes(sounds: Path, settings: BuildSettings) -> None:
    settings.folder.write(evidence_name(SHARD), b"of an earlier build")
    make([clip("a.wav")], CountingFetch(sounds), settings)
    assert not settings.folder.exists(evidence_name(SHARD))


def test_changed_text_copies_the_audio(sounds: Path, settings: BuildSettings) -> None:
    make([clip("0.wav"), clip("1.wav"), clip("gone.wav")], CountingFetch(sounds), settings)
    before, fetch = members(settings), CountingFetch(sounds)
    make([clip("0.wav", "Another text."), clip("1.wav"), clip("gone.wav"), clip("2.wav")], fetch, settings, "b")
    after = members(settings)
    assert fetch.urls == ["2.wav"]
    assert after["table-0.flac"] == before["table-0.flac"] and after["table-1.json"] == before["table-1.json"]
    assert json.loads(after["table-0.json"])["text"] == ["Another text."]


def test_what_is_too_long_for_memory_is_copied_through_a_file(sounds: Path, settings: BuildSettings, monkeypatch) -> None:
    make([clip("0.wav"), clip("1.wav")], CountingFetch(sounds), settings)
    before, fetch = members(settings), CountingFetch(sounds)
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    monkeypatch.setattr(module, "BLOCK", 777)
    outcome = read_previous_shard(settings.folder, SHARD, sounds).outcome(clip("0.wav"))
    assert isinstance(outcome, Sample)
    assert isinstance(outcome.flac, Path)
    assert outcome.flac.parent == sounds
    assert outcome.flac.read_bytes() == before["table-0.flac"]
    make([clip("0.wav", "New."), clip("1.wav")], fetch, settings, "b")
    assert fetch.urls == []
    assert members(settings)["table-0.flac"] == before["table-0.flac"]


def test_transient_rejections_are_tried_again_when_a_shard_is_rewritten(sounds: Path, settings: BuildSettings) -> None:
    make([clip("0.wav"), clip("busy.wav")], CountingFetch(sounds), settings)
    fetch = CountingFetch(sounds)
    make([clip("0.wav"), clip("busy.wav")], fetch, settings, "b")
    assert fetch.urls == ["busy.wav"]


@pytest.mark.parametrize(("damage", "fetched"), [("tar", ["0.wav"]), ("parquet", ["0.wav", "1.wav"])])
def test_what_is_damaged_is_not_copied(damage: str, fetched: list[str], sounds: Path, settings: BuildSettings) -> None:
    make([clip("0.wav"), clip("1.wav")], CountingFetch(sounds), settings)
    path = Path(settings.folder.path(f"Tones/train/0.{damage}"))
    data = bytearray(path.read_bytes())
    data[600] ^= 1
    path.write_bytes(data)
    fetch = CountingFetch(sounds)
    make([clip("0.wav", "New."), clip("1.wav")], fetch, settings, "b")
    assert sorted(fetch.urls) == fetched


def test_other_audio_under_the_same_key_is_made_anew(sounds: Path, settings: BuildSettings) -> None:
    make([clip("0.wav")], CountingFetch(sounds), settings)
    fetch = CountingFetch(sounds)
    make([clip("0.wav", end=0.1)], fetch, settings, "b")
    assert fetch.urls == ["0.wav"]
    asked = [clip("0.wav"), clip("0.wav", start=0.1), clip("1.wav"), clip("0.wav", audio_root="r")]
    assert len({audio_request_hash(wanted, "shape") for wanted in asked}) == 4


def test_equal_sounds_within_a_shard_leave_the_first(sounds: Path, settings: BuildSettings) -> None:
    marker = make([clip("0.wav"), clip("0.wav", id="again", recording="other")], CountingFetch(sounds), settings)
    assert marker.reasons == {"duplicate": 1}
    assert read_books(settings.folder, SHARD).to_pylist()[1]["detail"] == "same sound as table-0"


def test_a_failure_leaves_no_trace(sounds: Path, settings: BuildSettings) -> None:
    def broken(clip: Clip, work: Path) -> Recording:
        raise KeyError("a fault of the program")

    with pytest.raises(KeyError):
        make([clip("0.wav")], broken, settings)  # type: ignore[arg-type]
    assert settings.folder.names() == []


def test_a_shard_is_finished_only_with_marker_tar_and_books_of_the_right_size(sounds: Path, settings: BuildSettings) -> None:
    marker = make([clip("0.wav")], CountingFetch(sounds), settings)
    assert finished(settings.folder, ShardTask(SHARD, "rows", "a", 1)) == marker
    assert finished(settings.folder, ShardTask(SHARD, "rows", "b", 1)) is None
    settings.folder.remove("Tones/train/0.parquet")
    assert finished(settings.folder, ShardTask(SHARD, "rows", "a", 1)) is None


def test_a_marker_that_is_none_does_not_count(settings: BuildSettings) -> None:
    for text in (b"", b"{", b"[]", b"{}", b'{"shard": "x"}'):
        settings.folder.write("Tones/train/0_stats.json", text)
        assert read_marker(settings.folder, SHARD) is None


def test_the_longest_shards_are_handed_out_first() -> None:
    tasks = [ShardTask(ShardId("a", "b", n), "", "", rows) for n, rows in enumerate((3, 9, 3))]
    assert [task.shard.index for task in longest_first(tasks)] == [1, 0, 2]


def settled(*outcomes: Sample | Rejection, elsewhere: dict[str, str] | None = None) -> list[tuple[str, str, str | None]]:
    """Return (id, detail or "sample", hash of the frames) of each clip after equal sounds were left out."""
    result = []
    for outcome in leave_out_equal(outcomes, elsewhere or {}):
        if isinstance(outcome, Sample):
            result.append((outcome.clip.id, "sample", outcome.statistics.pcm_sha256))
        else:
            result.append((outcome.clip.id, outcome.detail, outcome.pcm_sha256))
    return result


def test_of_equal_sounds_the_first_stays_and_the_others_name_it() -> None:
    outcomes = [sample("a", "x"), sample("b", "y"), sample("c", "x"), sample("d", "x")]
    assert settled(*outcomes) == [
        ("a", "sample", "x"),
        ("b", "sample", "y"),
        ("c", "same sound as table-a", "x"),
        ("d", "same sound as table-a", "x"),
    ]


def test_a_sound_that_another_shard_keeps_is_left_out_everywhere() -> None:
    outcomes = [sample("a", "x"), sample("b", "x"), sample("c", "y")]
    assert settled(*outcomes, elsewhere={"x": "table-z"}) == [
        ("a", "same sound as table-z", "x"),
        ("b", "same sound as table-z", "x"),
        ("c", "sample", "y"),
    ]


def test_a_duplicate_of_an_earlier_build_names_the_clip_that_stays_now() -> None:
    before = rejection("b", Reason.DUPLICATE, "x")
    assert settled(sample("a", "x"), before)[1] == ("b", "same sound as table-a", "x")
    assert settled(before, elsewhere={"x": "table-z"}) == [("b", "same sound as table-z", "x")]


def test_rejections_without_a_sound_stay_as_they_are() -> None:
    outcomes = [rejection("a", Reason.SILENT), rejection("b", Reason.NOT_FOUND), sample("c", "x")]
    assert list(leave_out_equal(outcomes, {"x": "table-c"})) == outcomes


def test_a_clip_that_is_left_out_keeps_its_provenance_and_its_sound() -> None:
    (left_out,) = leave_out_equal([sample("a", "x")], {"x": "table-z"})
    why = Reason.DUPLICATE, "equal_sounds", "same sound as table-z"
    assert left_out == Rejection(sample("a").clip, *why, sample("a").provenance, "x", b"")


def test_a_shard_that_is_marked_as_replaced_is_made_although_it_is_finished(sounds: Path, settings: BuildSettings) -> None:
    write_plan({SHARD: [clip("0.wav")]}, settings.folder)
    fetched = replace(settings, fetcher=Fetcher(sounds, settings.fetcher.settings))
    task = ShardTask(SHARD, "rows", "a", 1)

    def seconds(task: ShardTask) -> list[float]:
        (markers,) = collect(lambda root: [root | beam.Create([task]) | BuildShards(fetched)])
        return [marker.build_seconds["build"] for marker in markers]

    marker_file = Path(settings.folder.path("Tones/train/0_stats.json"))
    seconds(task)
    written = marker_file.stat().st_mtime_ns
    seconds(task)
    assert marker_file.stat().st_mtime_ns == written
    seconds(replace(task, replaced=frozenset({clip("0.wav").key})))
    assert marker_file.stat().st_mtime_ns > written


def test_unfinished_shards_are_reported_every_half_second(tmp_path: Path) -> None:
    now = [0.0]
    report = _Reporter(tmp_path / "progress.json", "Set/train/0", lambda: now[0])
    rows = [{"status": "sample", "reason": None, "duration": 2.5}, {"status": "rejected", "reason": "silent"}]
    for at, n_rows, done in ((0.49, 1, None), (0.5, 1, 1), (0.99, 2, 1), (1.0, 2, 2)):
        now[0] = at
        report(rows[:n_rows])
        path = tmp_path / "progress.json"
        assert (json.loads(path.read_text())["done"] if path.exists() else None) == done
    assert json.loads(path.read_text()) == {"shard": "Set/train/0", "done": 2, "reasons": {"silent": 1}, "seconds": 2.5}
    assert [each.name for each in tmp_path.iterdir()] == ["progress.json"]
