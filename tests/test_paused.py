"""Rows that a host is not asked for now are left for later: the books say so, the next build goes on with them, `retry` tries others."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import soundfile

import pipeline.verbs.build_record as build_record
from pipeline.command import main
from pipeline.output.evidence_files import checked_evidence, read_evidence
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import Clip, Evidence, Provenance, Reason, Recording, Rejected, ShardId
from pipeline.verbs import rounds
from pipeline.verbs.paused import Paused, paused, rows_left, shards_to_continue, shards_with
from pipeline.verbs.rounds import run_tasks
from tests.fates import tone
from transforms.fetching.fetch import Fetcher, Handler
from transforms.fetching.folders import LocalFolders
from transforms.fetching.settings import FetchSettings

RECIPE = """
name = "hosts"
shard_size = 4
[[sources]]
source = "table"
dataset = "Set"
path = "clips.csv"
"""
N = 8
SEEN = Evidence("2026-01-02T03:04:05Z", 2, x_robots_tag="all")


class MoodyHandler:
    """Reads recordings below a folder; `NAME.mood` beside one has the reason it is refused with. Notes what is asked for."""

    def __init__(self, base: Path):
        self.base = base

    def matches(self, clip: Clip) -> bool:
        return True

    def fetch(self, clip: Clip, work: Path) -> Recording:
        name = clip.url.rpartition("/")[2]
        with (self.base / "asked").open("a") as asked:
            asked.write(f"{name}\n")
        with contextlib.suppress(FileNotFoundError):
            raise Rejected(Reason((self.base / f"{name}.mood").read_text()), "as its mood says", Provenance(evidence=SEEN))
        return Recording(self.base / name, Provenance(clip.url, 200, None, 7, "0" * 64, SEEN))


def moody(folders: LocalFolders, settings: FetchSettings) -> tuple[Handler, ...]:
    return (MoodyHandler(folders.base),)


class Set:
    """A set of eight clips of two hosts, in two shards."""

    def __init__(self, home: Path):
        self.home, self.out = home, home / "out"
        rows = ["id,url,caption"]
        for n in range(N):
            soundfile.write(home / f"{n}.wav", tone(200 + 40 * n, 0.05, 8000), 8000, subtype="PCM_16")
            rows.append(f"c{n},https://{'a' if n % 2 else 'b'}.example/{n}.wav,Sound {n}.")
        (home / "clips.csv").write_text("\n".join(rows) + "\n")
        (home / "recipe.toml").write_text(RECIPE)

    def moods(self, **reasons: str) -> None:
        for path in self.home.glob("*.mood"):
            path.unlink()
        for name, reason in reasons.items():
            (self.home / f"{name[1:]}.wav.mood").write_text(reason)

    def run(self, *arguments: str) -> int:
        (self.home / "asked").write_text("")
        return main([*arguments, "--json"])

    def build(self, *arguments: str) -> int:
        return self.run("build", str(self.home / "recipe.toml"), "--output", str(self.out), *arguments)

    def retry(self, *arguments: str) -> int:
        return self.run("retry", str(self.out), *arguments)

    @property
    def asked(self) -> list[str]:
        return sorted(name.removesuffix(".wav") for name in (self.home / "asked").read_text().split())

    def files(self) -> dict[str, bytes]:
        names = sorted(
            path for path in (self.out / "Set").rglob("*") if path.suffix in (".tar", ".parquet") and "evidence" not in path.name
        )
        return {str(path.relative_to(self.out)): path.read_bytes() for path in names}

    def times(self) -> dict[str, int]:
        return {path.name: path.stat().st_mtime_ns for path in (self.out / "Set").rglob("*.tar")}


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Set:
    monkeypatch.setattr(build_record, "Fetcher", lambda base, settings, folders: Fetcher(base, settings, moody, folders))
    return Set(tmp_path)


def test_rows_left_for_later_are_no_fault_and_the_next_build_goes_on_with_them(books: Set, capsys: pytest.CaptureFixture[str]) -> None:
    assert books.build() == 0
    undisturbed = books.files()
    capsys.readouterr()
    books.out.rename(books.home / "first")
    books.moods(c1="postponed", c2="throttled", c3="bot_check")
    assert books.build() == 0
    output = capsys.readouterr()
    written = json.loads(output.out)
    assert written["balance"] and written["left"] == {"a.example": 2, "b.example": 1}
    assert "paused: 2 rows left for a.example; run the same command again, or give --wait" in output.err
    books.moods()
    assert books.build() == 0
    assert books.asked == ["1", "2", "3"]  # the other audio is copied
    assert json.loads(capsys.readouterr().out)["left"] == {}
    assert books.files() == undisturbed
    assert books.build() == 0 and books.asked == []


def test_a_timeout_is_tried_again_by_retry_and_not_by_the_next_build(books: Set) -> None:
    books.moods(c1="timeout", c2="not_found")
    assert books.build() == 0
    books.moods()
    assert books.build() == 0 and books.asked == []
    assert books.retry() == 0 and books.asked == ["1"]
    assert books.retry() == 0 and books.asked == []


def test_retry_takes_the_reasons_it_is_given_and_rewrites_only_their_shards(books: Set) -> None:
    assert books.build() == 0
    undisturbed = books.files()
    first = take_snapshot(Folder(str(books.out)))
    of_shard = {row["id"]: shard for shard in first.markers for row in _rows(books, shard)}
    apart = next(name for name in of_shard if of_shard[name] != of_shard["c0"])
    books.out.rename(books.home / "first")
    books.moods(c0="not_found", **{apart: "timeout"})
    assert books.build() == 0
    before = books.times()
    books.moods(**{apart: "timeout"})
    assert books.retry("--reason", "not_found,corrupt") == 0
    assert books.asked == ["0"]
    changed = {name for name, time in books.times().items() if before[name] != time}
    assert changed == {f"{of_shard['c0'].index}.tar"}
    books.moods()
    assert books.retry() == 0 and books.asked == [apart[1:]]
    assert books.files() == undisturbed


def test_reasons_without_rows_are_nothing_to_do(books: Set, capsys: pytest.CaptureFixture[str]) -> None:
    assert books.build() == 0
    assert books.retry("--reason", "corrupt") == 0
    assert books.asked == []
    with pytest.raises(SystemExit) as stopped:
        books.retry("--reason", "no_text")
    assert stopped.value.code == 2


def test_a_folder_without_a_plan_cannot_be_tried_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retry", str(tmp_path)]) == 2
    assert "not an output folder" in capsys.readouterr().err


def test_wait_goes_on_until_no_fewer_rows_are_left(books: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    books.moods(c1="throttled")
    assert books.build("--wait") == 0
    assert books.asked.count("1") == 2  # the second pass left as many as the first


def test_samples_of_a_stopped_host_wait_for_it_when_settings_change(books: Set, capsys: pytest.CaptureFixture[str]) -> None:
    assert books.build() == 0
    before = books.files()
    (books.home / "recipe.toml").write_text(f"{RECIPE}\n[audio]\nmin_seconds = 0.01\n")
    moods = {f"c{n}": "postponed" for n in range(1, N, 2)}
    for arguments in ((), ("--prune",), ("--wait",)):  # neither loses what stands, nor is it a fault
        books.moods(**moods)
        capsys.readouterr()
        assert books.build(*arguments) == 0
        output = capsys.readouterr()
        assert books.files() == before and json.loads(output.out)["paused"] == {"a.example": None}
        assert "paused: 4 rows left for a.example" in output.err
    books.moods(**moods, c0="not_found")
    assert books.build() == 1 and books.files() == before  # this one is lost, and that is for the user to say
    books.moods(c0="not_found")
    assert books.build("--prune") == 0
    books.moods()
    assert books.retry("--reason", "not_found") == 0
    books.out.rename(books.home / "first")
    after = {name: (books.home / "first" / name).read_bytes() for name in before}
    assert books.build() == 0 and books.files() == after


def test_no_host_is_waited_for_before_all_others_are_done(books: Set, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = []

    def spy(tasks, snapshot, settings, *others) -> rounds.KnownMarkers:
        passes.append((settings.waits, len(tasks)))
        return run_tasks(tasks, snapshot, settings, *others)

    monkeypatch.setattr(rounds, "run_tasks", spy)
    books.moods(c1="postponed")
    assert books.build("--wait") == 0
    assert passes == [(False, 2), (True, 1)]


def test_what_hosts_answered_is_kept_beside_the_books_and_copied_with_the_audio(books: Set) -> None:
    books.moods(c1="throttled")
    assert books.build() == 0
    folder = Folder(str(books.out))
    shards = sorted(take_snapshot(folder).markers)
    seen = {key: evidence for shard in shards for key, evidence in checked_evidence(folder, shard).items()}
    assert len(seen) == N and set(seen.values()) == {SEEN}
    books.moods()
    assert books.build() == 0
    assert {key for shard in shards for key in checked_evidence(folder, shard)} == seen.keys()
    assert main(["verify", str(books.out), "--deep"]) == 0
    (books.out / f"{shards[0].name}_evidence.parquet").write_bytes(b"PAR1")
    assert read_evidence(folder, shards[0]) == {}
    assert main(["verify", str(books.out)]) == 1


def test_lines_say_when_to_go_on(books: Set) -> None:
    books.moods(c1="postponed", c2="postponed")
    assert books.build() == 0
    snapshot = take_snapshot(Folder(str(books.out)))
    assert rows_left(snapshot) == {"a.example": 1, "b.example": 1}
    lines = paused(snapshot, {"a.example": 1_800_000_000.0})
    assert lines == (Paused("a.example", 1, 1_800_000_000.0), Paused("b.example", 1, None))
    assert str(lines[0]) == "paused: 1 row left for a.example; run the same command again after 2027-01-15 08:00 UTC, or give --wait"
    waiting = shards_to_continue(snapshot, [])
    assert waiting.keys() == shards_with(snapshot, frozenset({Reason.POSTPONED})).keys()
    assert shards_to_continue(snapshot, ["a.example", "b.example"]) == {}
    assert shards_with(snapshot, frozenset({Reason.TIMEOUT})) == {}


def _rows(books: Set, shard: ShardId) -> list[dict]:
    from pipeline.output.books import read_books

    return read_books(Folder(str(books.out)), shard, ["id"]).to_pylist()  # type: ignore[no-any-return]
