"""A build over a host of videos: each sample sounds as its stretch of the video, and each video is fetched once."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import soundfile

from pipeline.output.books import read_books
from pipeline.output.plan_index import read_plan
from pipeline.output.storage import Folder
from tests.fates import build_into, published
from tests.media_host import MediaHost
from tests.test_audio_sections import frames_of, sound
from transforms.audio.excerpt import Excerpt
from transforms.fetching.youtube import youtube_video

RECIPE = """
name = "videos"
allow_private = true

[youtube]
hosts = ["127.0.0.1"]

[[sources]]
source = "table"
dataset = "Videos"
path = "clips.csv"
"""
EXCERPTS = {"opus.webm": [(15.0, 18.0), (12.5, 14.005)], "aac.m4a": [(20.0, 23.0), (21.25, 24.0)], "opus.ogg": [(3.0, 5.0)]}


def recipe_for(host: MediaHost, root: Path) -> Path:
    root.mkdir()
    rows = [
        [f"{name}-{start}", host.url(f"/{name}"), start, end, "A rising tone."]
        for name, excerpts in EXCERPTS.items()
        for start, end in excerpts
    ]
    with (root / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "url", "start", "end", "caption"], *rows, ["gone", host.url("/gone.webm"), 1, 2, "Nothing."]])
    (root / "recipe.toml").write_text(RECIPE)
    return root / "recipe.toml"


def samples_of(output: Path) -> dict[str, np.ndarray]:
    """Return the frames of every sample by its id."""
    with tarfile.open(output / "Videos" / "train" / "0.tar") as tar:
        files = {member.name: file.read() for member in tar if (file := tar.extractfile(member)) is not None}
    ids = {name.removesuffix(".json"): json.loads(data)["original_data"]["id"] for name, data in files.items() if name.endswith(".json")}
    return {clip_id: soundfile.read(io.BytesIO(files[f"{key}.flac"]), dtype="int16")[0] for key, clip_id in ids.items()}


def test_every_sample_sounds_as_its_stretch_and_each_video_is_read_once(tmp_path, monkeypatch):
    monkeypatch.setattr(youtube_video, "SHORT", 1 << 12)
    with MediaHost({f"/{name}": sound(name) for name in EXCERPTS}) as host:
        recipe = recipe_for(host, tmp_path / "in")
        assert build_into(tmp_path / "out", recipe).books.balance
        pages = [path for path in host.ranges if not path]
        assert len(pages) == len(EXCERPTS)  # yt-dlp asks for a page without a range, once for each video
        n_before = host.n_requests.total()
        build_into(tmp_path / "out", recipe)
        assert host.n_requests.total() == n_before
        build_into(tmp_path / "again", recipe)
    samples = samples_of(tmp_path / "out")
    for name, excerpts in EXCERPTS.items():
        (tmp_path / name).write_bytes(sound(name))
        for start, end in excerpts:
            assert np.array_equal(samples[f"{name}-{start}"], frames_of(tmp_path / name, Excerpt(start, end))), (name, start)
    folder = Folder(str(tmp_path / "out"))
    books = [row for planned in read_plan(folder).shards for row in read_books(folder, planned.shard).to_pylist()]
    by_id = {row["id"]: row for row in books}
    assert (by_id["gone"]["reason"], by_id["gone"]["detail"]) == ("not_found", "HTTP 404")
    assert {(row["source_sha256"], row["source_bytes"]) for row in books} == {(None, None)}
    assert {row["source_variant"] for row in books} == {"webm", "fmp4", "ogg", None}  # as yt-dlp names the streams
    files, again = (published(tmp_path / name) for name in ("out", "again"))
    assert files == again
