"""Secrets of addresses reach the server, and stand in nothing that is published, whenever a build ends."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import soundfile

from pipeline.command import main
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.recipe.model import load_recipe
from pipeline.records import Reason
from pipeline.verbs.build import Outcome, build
from pipeline.verbs.plan import make_plan
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.fates import published, tone, unwatched
from tests.loopback import Loopback
from transforms.fetching.web.http import HttpClient

SECRET = b"s3cr3t"
RECIPE = 'name = "signed"\nallow_private = true\n\n[[sources]]\nsource = "table"\ndataset = "Signed"\npath = "clips.csv"\n'


def wav(pitch: float) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, tone(pitch, 0.1, 8000), 8000, format="WAV", subtype="PCM_16")
    return buffer.getvalue()


@pytest.fixture
def server() -> Iterator[Loopback]:
    with Loopback({f"/{n}.wav": wav(200 + 60 * n) for n in range(3)}) as running:
        yield running


def write_table(root: Path, server: Loopback, signature: str, *more: str) -> Path:
    """Write a table of three addresses with a secret each, and some more addresses; return the recipe's path."""
    paths = [f"/signed/{n}.wav?token=s3cr3t-{signature}&n={n}" for n in range(3)]
    rows = [[server.url(path), "A tone."] for path in (*paths, *more)]
    with (root / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["url", "caption"], *rows])
    (root / "recipe.toml").write_text(RECIPE)
    return root / "recipe.toml"


def build_signed(recipe: Path, output: Path) -> Outcome:
    return build(load_recipe(str(recipe)), Folder(str(output)), None, EagerEngine(), unwatched, ["build", "--token=s3cr3t"])


def files_with_secret(output: Path) -> list[str]:
    """Return the files that hold the secret: in their bytes, or in the texts of a parquet file, which are compressed."""

    def texts(path: Path) -> bytes:
        if path.suffix == ".parquet":
            return json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        return path.read_bytes()

    return sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file() and SECRET in texts(path))


def test_the_server_gets_the_secret_and_the_set_does_not(server: Loopback, tmp_path: Path) -> None:
    output = tmp_path / "out"
    outcome = build_signed(write_table(tmp_path, server, "a"), output)
    assert outcome.books.total.samples == 3 and outcome.missing == ()
    assert files_with_secret(output) == []
    with tarfile.open(output / "Signed/train/0.tar") as tar:
        urls = {json.load(tar.extractfile(name))["original_data"]["url"] for name in tar.getnames() if name.endswith(".json")}  # type: ignore[arg-type]
    assert urls == {server.url(f"/signed/{n}.wav?token=masked&n={n}") for n in range(3)}
    assert json.loads((output / "build.json").read_text())["command"] == ["build", "--token=masked"]
    assert list(verify(Folder(str(output)), deep=True)) == []


def test_a_plan_holds_the_secrets_in_files_of_its_owner_until_the_shards_are_built(server: Loopback, tmp_path: Path) -> None:
    recipe, output = write_table(tmp_path, server, "a"), tmp_path / "out"
    make_plan(load_recipe(str(recipe)), take_snapshot(Folder(str(output))), None, EagerEngine())
    assert files_with_secret(output) == ["plan/addresses/Signed/train/0.json"]
    assert (output / "plan/addresses/Signed/train/0.json").stat().st_mode & 0o777 == 0o600
    assert build_signed(recipe, output).books.total.samples == 3
    assert files_with_secret(output) == []


def test_secrets_stay_as_long_as_a_recording_may_be_asked_for_again(server: Loopback, tmp_path: Path) -> None:
    recipe, output = write_table(tmp_path, server, "a", "/busy/x.wav?after=3600&token=s3cr3t"), tmp_path / "out"
    assert build_signed(recipe, output).books.total.reasons[Reason.THROTTLED] == 1  # other rows of the host may be postponed
    assert files_with_secret(output) == ["plan/addresses/Signed/train/0.json"]


def test_a_new_signature_makes_nothing_again(server: Loopback, tmp_path: Path) -> None:
    output = tmp_path / "out"
    build_signed(write_table(tmp_path, server, "a"), output)
    before, n_requests = published(output), server.n_requests.total()
    assert build_signed(write_table(tmp_path, server, "b"), output).n_built == 0
    changed = {name for name, digest in published(output).items() if before[name] != digest}
    assert {name for name in changed if not name.startswith("plan/digests")} == {"plan/plan.json"}  # the table's hash
    assert server.n_requests.total() == n_requests
    assert files_with_secret(output) == []


def test_a_lost_shard_is_made_again_from_the_secrets_of_the_table(server: Loopback, tmp_path: Path) -> None:
    recipe, output = write_table(tmp_path, server, "a"), tmp_path / "out"
    build_signed(recipe, output)
    before = published(output)
    for path in (output / "Signed/train").iterdir():
        path.unlink()
    assert build_signed(recipe, output).missing == ()
    assert published(output) == before


def test_addresses_that_differ_only_in_a_secret_are_not_one_recording(server: Loopback, tmp_path: Path) -> None:
    recipe, output = write_table(tmp_path, server, "a"), tmp_path / "out"
    server.files["/0.wav"] = server.files["/1.wav"] = wav(900)
    rows = [[f"id-{n}", server.url(f"/signed/0.wav?token=s3cr3t{n}"), f"Tone {n}."] for n in range(2)]
    with (tmp_path / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "url", "caption"], *rows])
    outcome = build_signed(recipe, output)
    assert server.n_requests["/signed/0.wav"] == 2
    assert outcome.books.total.samples == 1 and outcome.books.total.reasons == {Reason.DUPLICATE: 1}  # equal sounds


@pytest.mark.parametrize("parameter", ["token=s3cr3t{}", "key=s3cr3t-recordings-of-a-long-name-{}.wav", "sid=s3cr3t{}"])
@pytest.mark.parametrize("with_id", [False, True])
def test_no_row_is_lost_where_secrets_alone_distinguish_addresses(parameter: str, with_id: bool, server: Loopback, tmp_path: Path) -> None:
    recipe, urls = write_table(tmp_path, server, "a"), [server.url(f"/redirected/get?{parameter.format(n)}") for n in range(3)]
    (tmp_path / "clips.csv").write_text("\n".join(["url,caption", *(f"{url},Tone {n}." for n, url in enumerate(urls))]))
    recipe.write_text(RECIPE + ('id = "url"\ntitle = "url"\n' if with_id else ""))
    outcome = build_signed(recipe, tmp_path / "out")
    assert outcome.books.total.reasons == {Reason.NOT_FOUND: 3}
    assert files_with_secret(tmp_path / "out") == []
    assert build_signed(recipe, tmp_path / "out").n_built == 0


def test_the_terminal_shows_no_secret(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpClient, "_backoff", lambda *_: 0.01)  # the waits before further attempts take seconds
    recipe = write_table(tmp_path, server, "a", "/status/403/b.wav?token=s3cr3t", "/to?https://u:s3cr3t@127.0.0.1:1/?sig=s3cr3t")
    main(["build", str(recipe), "--output", str(tmp_path / "out")])
    printed = capsys.readouterr()
    assert "s3cr3t" not in printed.out + printed.err
    assert files_with_secret(tmp_path / "out") in ([], ["plan/addresses/Signed/train/0.json"])
