"""A build over a real server with the faults of the web: every row becomes a sample or a rejection with the right reason."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
import soundfile

from pipeline.output.books import read_books
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from tests.fates import build_into, published, tone
from tests.loopback import Loopback

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
        asked = server.n_requests.total()
        build_into(tmp_path / "out", tmp_path / "in" / "recipe.toml")
        assert server.n_requests.total() == asked  # a finished build requests nothing again


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
