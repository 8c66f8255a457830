"""A build over a real server with the faults of the web: every row becomes a sample or a rejection with the right reason."""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import pytest
import soundfile

from pipeline.output.books import read_books
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from tests.fates import build_into, published, tone
from tests.loopback import Loopback
from tests.misbehaviour import BEHAVIOURS
from tests.test_archives import make_zip
from tests.test_unpacking import make_7z

RECIPE = """
name = "web"
allow_private = {allow_private}

[[sources]]
source = "table"
dataset = "Web"
path = "clips.csv"
"""
FATES = {
    "/good-1.wav": "sample",
    "/good-2.wav": "sample",
    "/busy-once/a.wav?after=0": "sample",
    "/status/404/b.wav": "not_found",
    "/status/410/c.wav": "not_found",
    "/status/403/d.wav": "forbidden",
    "/status/451/e.wav": "forbidden",
    "/noai/f.wav": "forbidden",
    "/busy/g.wav?after=3600": "throttled",
    "/html/h.wav": "not_audio",
    "/loop/i.wav": "limit_exceeded",
    "/to?file:///etc/passwd": "unsafe_address",
    "/gzip/j.wav": "unavailable",
    "/huge/k.wav": "too_large",
}


def wav(pitch: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(pitch), 44_100, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


@pytest.fixture
def server() -> Loopback:
    return Loopback({"/good-1.wav": wav(300), "/good-2.wav": wav(400)}, body=wav(500))


def recipe_for(server: Loopback, root: Path, allow_private: str = "true") -> Path:
    root.mkdir(exist_ok=True)
    with (root / "clips.csv").open("w", newline="") as file:
        hosts = ["localhost" if path.startswith("/busy/") else None for path in FATES]  # stopped, while the other host is asked
        rows = [[f"row-{n}", server.url(path, host), "A tone."] for n, (path, host) in enumerate(zip(FATES, hosts, strict=True))]
        csv.writer(file).writerows([["id", "url", "caption"], *rows])
    (root / "recipe.toml").write_text(RECIPE.format(allow_private=allow_private))
    return root / "recipe.toml"


def outcomes(output: Path) -> dict[str, str]:
    folder = Folder(str(output))
    plan = read_plan(folder)
    rows = [row for planned in plan.shards for row in read_books(folder, planned.shard).to_pylist()]
    return {row["id"]: row["reason"] or row["status"] for row in rows}


def test_every_row_of_a_faulty_server_has_its_outcome(server: Loopback, tmp_path: Path) -> None:
    with server:
        outcome = build_into(tmp_path / "out", recipe_for(server, tmp_path / "in"))
        assert outcomes(tmp_path / "out") == {f"row-{n}": fate for n, fate in enumerate(FATES.values())}
        assert outcome.books.balance
        asked = server.n_requests.copy()
        build_into(tmp_path / "out", tmp_path / "in" / "recipe.toml")
        assert server.n_requests - asked == {}  # the host that asked to wait an hour is asked again in an hour


def test_the_same_server_gives_the_same_shards(server: Loopback, tmp_path: Path) -> None:
    with server:
        recipe = recipe_for(server, tmp_path / "in")
        build_into(tmp_path / "one", recipe)
        server.n_requests.clear()
        build_into(tmp_path / "two", recipe, n_workers=1)
    tars = [{name: digest for name, digest in published(tmp_path / out).items() if name.endswith(".tar")} for out in ("one", "two")]
    assert tars[0] == tars[1]


def test_private_addresses_are_refused_unless_the_recipe_allows_them(server: Loopback, tmp_path: Path) -> None:
    with server:
        build_into(tmp_path / "out", recipe_for(server, tmp_path / "in", allow_private="false"))
        assert set(outcomes(tmp_path / "out").values()) == {"unsafe_address"}
        assert server.n_requests.total() == 0


def test_a_build_takes_recordings_from_an_archive_by_address_and_from_zips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAION_AUDIO_CACHE", str(tmp_path / "cache"))
    archive = make_7z(tmp_path / "dev.7z", {f"dev/{n}.wav": wav(300 + n) for n in range(3)}).read_bytes()
    zipped = make_zip(tmp_path / "one.zip", {"07076051.wav": wav(200)}).read_bytes()
    (tmp_path / "in").mkdir()
    with Loopback({"/dev.7z": archive, "/07076051.wav.zip": zipped}) as server:
        rows = [[f"row-{n}", f"{n}.wav", "A tone."] for n in range(4)] + [["bbc", server.url("/07076051.wav.zip"), "A tone."]]
        with (tmp_path / "in" / "clips.csv").open("w", newline="") as file:
            csv.writer(file).writerows([["id", "url", "caption"], *rows])
        root = f"{server.url('/dev.7z')}#md5={hashlib.md5(archive).hexdigest()}"
        (tmp_path / "in" / "recipe.toml").write_text(RECIPE.format(allow_private="true") + f'audio_root = "{root}"\n')
        for output in ("out", "again"):
            outcome = build_into(tmp_path / output, tmp_path / "in" / "recipe.toml")
            assert outcome.books.balance
            fates = {"row-0": "sample", "row-1": "sample", "row-2": "sample", "row-3": "not_found", "bbc": "sample"}
            assert outcomes(tmp_path / output) == fates
        assert server.n_requests == {"/dev.7z": 1, "/07076051.wav.zip": 2}
    assert published(tmp_path / "out") == published(tmp_path / "again")
    assert root in (tmp_path / "out" / "recipe.toml").read_text()


def test_a_build_over_a_server_that_breaks_off_equals_one_over_a_good_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "recipe.toml").write_text(RECIPE.format(allow_private="true"))
    with Loopback(body=wav(500)) as server:
        (tmp_path / "in" / "clips.csv").write_text(f"id,url,caption\na,{server.url('/ranges/a.wav?cut=10000')},A tone.\n")
        build_into(tmp_path / "bad", tmp_path / "in" / "recipe.toml")
        assert server.n_requests.total() > 1
        monkeypatch.setitem(BEHAVIOURS, "ranges", BEHAVIOURS["good"])
        build_into(tmp_path / "good", tmp_path / "in" / "recipe.toml")
    assert outcomes(tmp_path / "good") == {"a": "sample"}
    assert published(tmp_path / "good") == published(tmp_path / "bad")
