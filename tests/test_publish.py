"""Publishing a set: what was listed reaches the repository, what may not go stays, and nothing is sent without consent."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub import HfApi

from pipeline.command import main
from pipeline.failures import PublishError, UsageError
from pipeline.output.damage import DamagedFileError
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.verbs import publish as publish_verb
from pipeline.verbs.papers import write_papers
from pipeline.verbs.publish import publish
from pipeline.verbs.published_files import check_licenses, published_files
from tests.hub_server import OWNER, TOKEN, Hub, hub_of_commands
from tests.object_store import object_store, upload
from tests.opt_out_host import RECIPE, OptOutHost, hosted_set

NAME = f"{OWNER}/sounds"
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub 2.4 to its HTTP client


@pytest.fixture
def hub(monkeypatch):
    with hub_of_commands(monkeypatch) as hub:
        yield hub


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set that may be published, with its papers; one of its tars is large enough for git LFS."""
    with OptOutHost() as host:
        folder = hosted_set(tmp_path_factory.mktemp("free"), host, licenses=["CC0-1.0"], of_local="CC-BY-4.0")
    write_papers(snapshot_of(folder))
    return folder


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "set")


def snapshot_of(folder: Path) -> Snapshot:
    return take_snapshot(Folder(str(folder)))


def run(*arguments: object) -> int:
    return main(["publish", *map(str, arguments)])


def expected(folder: Path) -> dict[str, bytes]:
    """Return what the repository should hold, by the rules of docs/publish.md; but for croissant.json, to which its address is added."""
    patterns = ("Hosted/*/*", "plan/*/*/*.parquet", "plan/plan.json", "ATTRIBUTION.csv", "papers.json")
    paths = [path for pattern in patterns for path in folder.glob(pattern)]
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    return files | {"README.md": (folder / "DATACARD.md").read_bytes()}


def test_the_set_reaches_a_private_repository_with_the_card_as_its_readme(hub, folder, capsys):
    assert run(folder, NAME, "--yes") == 0
    sent = hub.repositories[NAME]
    described = json.loads(sent.pop("croissant.json"))
    assert described == json.loads((folder / "croissant.json").read_bytes()) | {"url": f"https://huggingface.co/datasets/{NAME}"}
    assert sent == expected(folder) and hub.private == {NAME: True}
    assert yaml.safe_load(sent["README.md"].decode().split("---\n")[1])["license"] == ["cc-by-4.0", "cc0-1.0"]
    assert hub.address in capsys.readouterr().err


def test_neither_machine_nor_secret_is_published(hub, folder, capsys):
    (folder / "plan" / "addresses" / "Hosted" / "train").mkdir(parents=True)
    (folder / "plan" / "addresses" / "Hosted" / "train" / "0.json").write_text("secret")
    (folder / ".env").write_text(TOKEN)
    (folder / "notes.txt").write_text("mine")
    assert run(folder, NAME, "--yes") == 0
    sent = hub.repositories[NAME]
    assert not {name for name in sent if "addresses" in name or name.startswith(".") or name in {"notes.txt", "recipe.toml", "build.json"}}
    assert not [name for name, content in sent.items() if str(folder).encode() in content or TOKEN.encode() in content]
    printed = capsys.readouterr()
    assert TOKEN not in printed.out + printed.err
    assert not [path for path in folder.rglob("*") if path.is_file() and path.name != ".env" and TOKEN.encode() in path.read_bytes()]


@pytest.mark.parametrize(("options", "code"), [((), 2), (("--dry-run",), 0), (("--dry-run", "--yes"), 0)])
def test_without_consent_every_file_is_listed_and_no_request_is_made(hub, folder, capsys, options, code):
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert run(folder, NAME, *options) == code and hub.requests == []
    printed = capsys.readouterr()
    listed = {line.split()[1]: int(line.split()[0].replace(",", "")) for line in printed.out.splitlines()[1:-1]}
    assert listed.pop("croissant.json") > 0
    assert listed == {name: len(content) for name, content in expected(folder).items()}
    assert ("nothing was sent; --yes sends" in printed.err) is (code == 2)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_listing_is_exactly_what_goes(hub, folder, capsys):
    assert run(folder, NAME, "--dry-run", "--json") == 0
    listed = {each["name"]: each["bytes"] for each in json.loads(capsys.readouterr().out)["files"]}
    assert run(folder, NAME, "--yes") == 0
    assert listed == {name: len(content) for name, content in hub.repositories[NAME].items()}


def test_a_publication_that_was_interrupted_goes_on_with_what_is_not_there(hub: Hub, folder, monkeypatch, capsys):
    monkeypatch.setattr(publish_verb, "N_FILES", 4)
    hub.commits_left = 2
    assert run(folder, NAME, "--yes") == 1
    assert "403" in capsys.readouterr().err
    assert len(hub.repositories[NAME]) == 8 and "README.md" not in hub.repositories[NAME]
    hub.commits_left = None
    hub.requests.clear()
    assert run(folder, NAME, "--yes") == 0
    n_files = len(expected(folder)) + 1
    assert "8 files were there already" in capsys.readouterr().err
    assert len([each for each in hub.requests if "/commit/" in each]) == -(-(n_files - 8) // 4)
    hub.requests.clear()
    assert run(folder, NAME, "--yes") == 0 and not [each for each in hub.requests if "/commit/" in each]


def test_only_what_changed_is_sent_again(hub, folder):
    assert run(folder, NAME, "--yes") == 0
    tar = max(folder.glob("*/train/*.tar"), key=lambda path: path.stat().st_size).relative_to(folder).as_posix()
    hub.repositories[NAME][tar] = b"another" + hub.repositories[NAME][tar][7:]
    hub.repositories[NAME]["notes.md"] = b"mine"
    hub.stored.clear()
    assert run(folder, NAME, "--yes") == 0
    assert hub.repositories[NAME][tar] == (folder / tar).read_bytes() and hub.repositories[NAME]["notes.md"] == b"mine"
    assert len(hub.stored) == 1


def test_shards_of_an_earlier_plan_are_removed_with_prune_alone_and_files_of_others_never(hub, folder, capsys):
    plan = json.loads((folder / "plan" / "plan.json").read_text())
    plan["shards"]["Old/train/0"] = {"rows": 1, "rows_sha256": "x"}
    ours = {"Old/train/0.tar": b"x", "Old/train/sizes.json": b"z", "plan/Old/train/00000.parquet": b"y"}
    others = {"data/train/0.tar": b"mine", "data/train/00000.parquet": b"mine", "notes/train/a.txt": b"mine"}
    hub.repositories[NAME] = {**ours, **others, "plan/plan.json": json.dumps(plan).encode()}
    assert run(folder, NAME, "--yes") == 2
    assert "has 3 files of shards that are not in this set: Old/train/0.tar, Old/train/sizes.json" in capsys.readouterr().err
    assert len(hub.repositories[NAME]) == 7
    assert run(folder, NAME, "--yes", "--prune") == 0
    left = hub.repositories[NAME]
    assert not ours.keys() & left.keys() and others.items() <= left.items()


@pytest.mark.parametrize("plan", [b"", b"[]", b'{"format": 1}'])
def test_a_plan_there_that_is_none_makes_no_file_ours(hub, folder, plan):
    hub.repositories[NAME] = {"Old/train/0.tar": b"x", "plan/plan.json": plan}
    assert run(folder, NAME, "--yes", "--prune") == 0
    assert hub.repositories[NAME]["Old/train/0.tar"] == b"x"


def test_folders_of_a_machine_are_not_published(tmp_path):
    (tmp_path / "in").mkdir()
    with OptOutHost() as host:
        folder = hosted_set(
            tmp_path / "in", host, RECIPE.replace("path =", f'audio_root = "{tmp_path}/in"\npath ='), ["CC0-1.0"], "CC0-1.0"
        )
    write_papers(snapshot_of(folder))
    for file in published_files(snapshot_of(folder), NAME):
        content = file.content() if file.content is not None else (folder / file.source).read_bytes()
        assert len(content) == file.size
        if file.name.endswith(".parquet"):
            content = str(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
        assert str(tmp_path).encode() not in content, file.name


@pytest.fixture(scope="module")
def of_licenses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set with CC-BY-4.0, CC0-1.0, a licence of its own words, and none."""
    root = tmp_path_factory.mktemp("licences")
    with OptOutHost() as host:
        folder = hosted_set(root, host)
    write_papers(snapshot_of(folder))
    return folder


def test_one_clip_that_may_not_be_passed_on_holds_back_the_set(hub, of_licenses, capsys):
    for options in (("--yes",), ("--dry-run",), ("--licenses", "CC-BY-4.0,CC0-1.0", "--yes")):
        assert run(of_licenses, NAME, *options) == 2 and hub.requests == []
        printed = capsys.readouterr().err
        assert "3 clips may not be passed on" in printed
        assert "NOASSERTION: 1 clip: Hosted/here" in printed and "LicenseRef-Own-words: 2 clips: Hosted/c" in printed


def test_named_licences_go_and_no_others(hub, of_licenses):
    assert run(of_licenses, NAME, "--yes", "--licenses", "CC BY 4.0, CC0,LicenseRef-own-words,NOASSERTION") == 0
    assert len(hub.repositories[NAME]) > 10
    with pytest.raises(UsageError, match=r"CC0-1\.0: 2 clips"):
        check_licenses(snapshot_of(of_licenses), ["CC-BY-4.0", "LicenseRef-own-words", "NOASSERTION"])


@pytest.mark.parametrize("licenses", ["", ",", "CC-BY", "free", "CC-BY-4.O"])
def test_a_name_of_no_licence_is_bad_usage(hub, folder, licenses):
    with pytest.raises(SystemExit) as ended:
        run(folder, NAME, "--licenses", licenses)
    assert ended.value.code == 2 and hub.requests == []


@pytest.mark.parametrize("name", ["a/b/c", "me/", "../me/clap", "https://me/clap", ""])
def test_a_name_of_no_repository_is_bad_usage(hub, folder, capsys, name):
    assert run(folder, name, "--yes") == 2 and hub.requests == []
    assert "is no name of a repository (OWNER/NAME)" in capsys.readouterr().err


def test_a_set_that_is_not_complete_or_has_no_papers_of_its_state_is_bad_usage(hub, folder, capsys):
    shutil.copytree(folder, folder.parent / "stale")
    (folder.parent / "stale" / "papers.json").write_text("{}")
    assert run(folder.parent / "stale", NAME, "--yes") == 2
    assert "run `laion-audio papers" in capsys.readouterr().err
    next(folder.glob("*/*/*_stats.json")).unlink()
    assert run(folder, NAME, "--yes") == 2
    assert "1 shard is not built" in capsys.readouterr().err and hub.requests == []


def test_a_damaged_shard_is_not_published(hub, folder, capsys):
    tar = next(folder.glob("*/*/*.tar"))
    hub.repositories[NAME] = {}
    data = bytearray(tar.read_bytes())
    data[600] ^= 1
    tar.write_bytes(data)
    with pytest.raises(DamagedFileError, match="not those that the marker"):
        publish(Folder(str(folder)), published_files(snapshot_of(folder), NAME), NAME, HfApi(), False, print)
    assert hub.repositories[NAME] == {}


def test_a_hub_that_refuses_is_named_with_what_to_do(hub, folder, monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    assert run(folder, NAME, "--yes") == 1
    printed = capsys.readouterr().err
    assert f"{hub.address} refused {NAME} (401)" in printed and "hf auth login" in printed and "hf_wrong" not in printed
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert run(folder, "somebody/sounds", "--yes") == 1
    assert "refused somebody/sounds (403)" in capsys.readouterr().err


@pytest.mark.parametrize("failing", ["validate-yaml", "preupload", "/commit/", "/tree/"])
def test_a_failure_on_the_way_is_one_line(hub: Hub, folder, failing):
    hub.failing = failing
    with pytest.raises(PublishError) as stopped:
        publish(Folder(str(folder)), published_files(snapshot_of(folder), NAME), NAME, HfApi(), False, print)
    assert "\n" not in str(stopped.value) and hub.address in str(stopped.value)


def test_a_hub_that_cannot_be_reached_is_named(folder):
    api = HfApi(endpoint="http://127.0.0.1:9", token=TOKEN)
    with pytest.raises(PublishError, match=r"http://127\.0\.0\.1:9 failed: .*; run the same command again"):
        publish(Folder(str(folder)), published_files(snapshot_of(folder), NAME), NAME, api, False, print)


def test_a_set_in_a_store_is_published_as_its_copy_on_a_disk_is(hub, folder):
    assert run(folder, NAME, "--yes") == 0
    with object_store():
        upload(folder, "gs://bucket/set")
        assert run("gs://bucket/set", f"{OWNER}/other", "--yes") == 0
    sent, other = hub.repositories[NAME], hub.repositories[f"{OWNER}/other"]
    assert sent.pop("croissant.json") != other.pop("croissant.json")  # each has its own address
    assert sent == other


@pytest.mark.parametrize("content", ["[]", "{", "\udcff", "[" * 100_000])
def test_a_damaged_croissant_is_bad_usage_with_a_remedy(hub, folder, capsys, content):
    (folder / "croissant.json").write_text(content, errors="surrogateescape")
    assert run(folder, NAME, "--yes") == 2
    assert "croissant.json is damaged; run `laion-audio papers" in " ".join(capsys.readouterr().err.split())
    assert hub.repositories == {}
