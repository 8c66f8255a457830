"""The papers of a set: equal sets give equal bytes, readers of each format accept them, and values from outside do no harm."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import soundfile
import yaml

from pipeline.command import main
from pipeline.output.layout import LEAKS
from pipeline.output.snapshot import Snapshot, take_snapshot
from pipeline.output.storage import Folder
from pipeline.verbs.papers import are_current, refresh_papers, write_papers
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.object_store import object_store, upload
from tests.opt_out_host import OptOutHost, build_again, hosted_set
from tests.test_folder_readme import build_recipe, read

PAPERS = ("ATTRIBUTION.csv", "DATACARD.md", "croissant.json", "papers.json")


def snapshot_of(folder: Path) -> Snapshot:
    return take_snapshot(Folder(str(folder)))


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled set with its papers."""
    folder = tmp_path_factory.mktemp("quickstart")
    build_recipe("quickstart", folder)
    write_papers(snapshot_of(folder))
    return folder


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a recipe and a set whose recordings came from a host, with the set's papers."""
    root = tmp_path_factory.mktemp("hosted")
    with OptOutHost() as host:
        host.headers["/1.wav"] = {"TDM-Reservation": "1"}
        write_papers(snapshot_of(hosted_set(root, host)))
        yield root


def papers_of(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in PAPERS}


def front_matter(card: str) -> dict:
    return yaml.safe_load(card.split("---\n")[1])


def attribution(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / "ATTRIBUTION.csv").read_text())))


def test_equal_folders_give_equal_bytes_and_other_folders_do_not(quickstart, tmp_path):
    copy = shutil.copytree(quickstart, tmp_path / "another name")
    before = papers_of(copy)
    for name in PAPERS:
        (copy / name).unlink()
    assert main(["papers", str(copy)]) == 0
    assert papers_of(copy) == before
    assert str(tmp_path).encode() not in b"".join(before.values())


def test_a_folder_with_papers_has_no_fault(quickstart):
    assert list(verify(Folder(str(quickstart)), False, EagerEngine())) == []


def test_the_verb_prints_what_it_wrote(quickstart, capsys):
    assert main(["papers", str(quickstart)]) == 0
    assert "ATTRIBUTION.csv, DATACARD.md, croissant.json, papers.json written in" in capsys.readouterr().out
    assert main(["papers", str(quickstart), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["clips"] == 108
    assert main(["papers", str(quickstart.parent / "nowhere")]) == 2


def test_every_clip_has_one_line_of_attribution(hosted):
    lines = attribution(hosted / "out")
    assert sorted(line["id"] for line in lines) == [
        "Hosted/c0",
        "Hosted/c1",
        "Hosted/c2",
        "Hosted/c3",
        "Hosted/c4",
        "Hosted/c5",
        "Hosted/here",
    ]
    licenses = {line["id"]: line["license"] for line in lines}
    assert (
        licenses["Hosted/c0"] == "CC-BY-4.0"
        and licenses["Hosted/c2"] == "LicenseRef-Own-words"
        and licenses["Hosted/here"] == "NOASSERTION"
    )


def test_no_cell_of_the_attribution_is_a_formula(hosted):
    for line in attribution(hosted / "out"):
        assert all(not value.strip().startswith(tuple("=+-@\t\r")) for value in line.values()), line
    creators = {line["id"]: line["creator"] for line in attribution(hosted / "out")}
    assert creators["Hosted/c1"] == "'=cmd|' /C calc'!A1"


def test_the_card_is_one_that_the_hub_takes(hosted, quickstart):
    from huggingface_hub import DatasetCard

    card = DatasetCard((quickstart / "DATACARD.md").read_text())
    assert card.data.license == ["cc0-1.0"] and card.data.size_categories == ["n<1K"] and card.data.pretty_name == "quickstart"
    other = DatasetCard((hosted / "out" / "DATACARD.md").read_text()).data
    assert (other.license, other.license_name) == ("other", "one-for-each-recording")


def test_the_card_and_the_readme_name_the_same_files(quickstart):
    card, readme = (front_matter((quickstart / name).read_text()) for name in ("DATACARD.md", "README.md"))
    assert card["configs"] == readme["configs"] and len(card["configs"][0]["data_files"]) == 3


@pytest.mark.slow
def test_datasets_reads_the_set_by_its_card(quickstart, tmp_path, monkeypatch):
    for name, value in {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}.items():
        monkeypatch.setenv(name, value)
    folder = shutil.copytree(quickstart, tmp_path / "set")
    (folder / "DATACARD.md").replace(folder / "README.md")
    splits = read(folder, str(tmp_path / "cache"))
    assert sum(map(len, splits.values())) == 108


@pytest.mark.slow
def test_mlcroissant_validates_the_description_and_loads_every_record(quickstart, tmp_path):
    """In a process of its own: the package takes its cache from the environment when it is imported."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.read_croissant", str(quickstart / "croissant.json")],
        capture_output=True,
        text=True,
        env={**os.environ, "CROISSANT_CACHE": str(tmp_path / "cache")},
        cwd=Path(__file__).parent.parent,
        check=True,
    )
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["errors"] == [] and result["version"] == "1.1"
    samples = {path.name: path for path in (tmp_path / "cache").rglob("*.flac")}
    assert result["n_records"] == len(result["keys"]) == len(samples) == 108
    assert sum(map(len, result["texts"])) == 122 and all(result["texts"])
    assert set(result["origins"]) == {"human", "template"}
    assert result["frames"] == sum(soundfile.info(path).frames for path in samples.values())


def test_the_description_has_the_hash_of_every_tar(quickstart):
    described = json.loads((quickstart / "croissant.json").read_text())
    files = {each["@id"]: each["sha256"] for each in described["distribution"] if each["@type"] == "cr:FileObject"}
    for path in quickstart.glob("*/*/*.tar"):
        marker = json.loads((path.parent / f"{path.stem}_stats.json").read_text())
        assert files[path.relative_to(quickstart).as_posix()] == marker["tar"]["sha256"]
    assert described["rai:dataCollection"] and described["prov:wasGeneratedBy"] and described["prov:wasDerivedFrom"]


def test_the_summary_names_the_hosts_and_what_they_state(hosted):
    summary = json.loads((hosted / "out" / "papers.json").read_text())["training_content"]
    crawled = summary["sources"]["2.3 data crawled and scraped"]
    assert [each["domain"] for each in crawled["domains_by_size"]] == ["127.0.0.1"] and crawled["clips"] == 6
    assert crawled["datasets"][0]["dataset"] == "Hosted"
    assert summary["processing"]["3.1 reservation of rights"]["reserved_now"] == {"TDMRep": 1}
    assert summary["general"]["modalities"]["audio"]["size"] == "less than 10,000 hours"


def test_papers_of_an_earlier_build_are_seen_and_made_anew(hosted, tmp_path):
    folder = shutil.copytree(hosted, tmp_path / "copy")
    assert are_current(snapshot_of(folder / "out")) is True and refresh_papers(snapshot_of(folder / "out")) is False
    before = papers_of(folder / "out")
    table = (folder / "clips.csv").read_text().splitlines()
    (folder / "clips.csv").write_text("\n".join([table[0], *table[1:-1], table[-1].replace("A sound from here", "Other words")]) + "\n")
    build_again(folder)
    after = papers_of(folder / "out")
    assert are_current(snapshot_of(folder / "out")) is True and before["papers.json"] != after["papers.json"]
    for name in PAPERS[1:]:
        assert json.loads(after["papers.json"])["plan_sha256"][:12].encode() in after[name]


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"plan_sha256": 3}'])
def test_damaged_papers_are_of_no_state(quickstart, tmp_path, data):
    folder = shutil.copytree(quickstart, tmp_path / "copy")
    (folder / "papers.json").write_bytes(data)
    assert are_current(snapshot_of(folder)) is False
    assert refresh_papers(snapshot_of(folder)) is True and papers_of(folder) == papers_of(quickstart)


def test_a_set_of_which_nothing_is_built_has_papers_that_say_so(quickstart, tmp_path, capsys):
    folder = shutil.copytree(quickstart, tmp_path / "copy")
    for path in folder.glob("*/*/*_stats.json"):
        path.unlink()
    assert main(["papers", str(folder)]) == 0
    assert "0 clips" in capsys.readouterr().out and attribution(folder) == []
    assert front_matter((folder / "DATACARD.md").read_text())["license"] == ["unknown"]


def test_without_papers_a_build_writes_none(quickstart, tmp_path):
    folder = shutil.copytree(quickstart, tmp_path / "copy")
    for name in PAPERS:
        (folder / name).unlink()
    assert refresh_papers(snapshot_of(folder)) is False and not (folder / "papers.json").exists()


def test_a_certificate_of_leaks_is_shown_with_its_state(quickstart, tmp_path):
    folder = shutil.copytree(quickstart, tmp_path / "copy")
    plan = json.loads((folder / "papers.json").read_text())["plan_sha256"]
    evidence = [{"kind": "id", "n_found": 2}, {"kind": "text", "n_found": 0}]
    benchmark = {"name": "esc|50", "n_clips": 10, "n_leaks": 2, "state": "found", "evidence": evidence}
    for state, is_old in ((plan, False), ("0" * 64, True)):
        (folder / LEAKS).write_text(json.dumps({"plan_sha256": state, "benchmarks": [benchmark]}))
        write_papers(snapshot_of(folder))
        card = (folder / "DATACARD.md").read_text()
        assert "| esc\\|50 | 10 | 2 | found | id 2 |" in card and ("Compared with an earlier plan" in card) is is_old
    (folder / LEAKS).write_text("[]")
    write_papers(snapshot_of(folder))
    assert "leaks.json cannot be read" in (folder / "DATACARD.md").read_text()


def test_a_set_in_a_store_has_the_papers_of_its_copy_on_a_disk(quickstart, tmp_path):
    copy = shutil.copytree(quickstart, tmp_path / "copy")
    for name in PAPERS:
        (copy / name).unlink()
    with object_store():
        upload(copy, "gs://bucket/set")
        there = Folder("gs://bucket/set")
        write_papers(take_snapshot(there))
        assert {name: there.read(name) for name in PAPERS} == papers_of(quickstart)
