"""`recheck` asks hosts again: who opts out is listed, what was answered is recorded, and no recording is downloaded."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.command import main
from pipeline.output.evidence_files import read_evidence
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.records import AskedAgain, Evidence, ShardId
from pipeline.verbs import recheck as recheck_verb
from pipeline.verbs.verify import verify
from tests.eager import EagerEngine
from tests.opt_out_host import RECIPE, OptOutHost, build_again, hosted_set
from transforms.fetching.web.opt_outs import signals_of


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OptOutHost, Path]]:
    """A host, and a set of its recordings."""
    root = tmp_path_factory.mktemp("hosted")
    with OptOutHost() as host:
        hosted_set(root, host)
        yield host, root


@pytest.fixture
def host(built: tuple[OptOutHost, Path]) -> OptOutHost:
    """The host, which says nothing yet."""
    host = built[0]
    for each in (host.headers, host.status, host.requests):
        each.clear()
    host.files = {path: content for path, content in host.files.items() if path.endswith(".wav")}
    host.no_head = False
    return host


@pytest.fixture
def folder(built: tuple[OptOutHost, Path], tmp_path: Path) -> Path:
    """A copy of the set of the host, for one test."""
    shutil.copytree(built[1], tmp_path, dirs_exist_ok=True)
    return tmp_path / "out"


def evidence_of(folder: Path) -> dict[str, Evidence]:
    snapshot = take_snapshot(Folder(str(folder)))
    return {key: each for shard in snapshot.markers for key, each in read_evidence(snapshot.folder, shard).items()}


def forget_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recheck_verb, "FRESH", 0.0)


def test_clips_of_a_host_that_says_nothing_are_not_listed(host, folder, capsys):
    assert main(["recheck", str(folder)]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "clips: 6 asked, 0 asked less than a day ago, 1 without an address" in printed.err
    assert sorted(host.requests) == sorted(
        [*(f"HEAD /{n}.wav" for n in range(6)), "GET /robots.txt", "GET /.well-known/tdmrep.json"]
    )  # each host is asked once for what holds for all of it, and no recording is downloaded


@pytest.mark.parametrize(
    ("headers", "signal"),
    [
        ({"X-Robots-Tag": "noai"}, "X-Robots-Tag"),
        ({"X-Robots-Tag": "otherbot: all, NoImageAI"}, "X-Robots-Tag"),
        ({"TDM-Reservation": "1", "TDM-Policy": "https://a.org/p"}, "TDMRep"),
        ({"Content-Usage": "search=y, train-ai=n"}, "Content-Usage"),
    ],
)
def test_a_header_of_today_puts_a_clip_on_the_list(host, folder, capsys, headers, signal):
    host.headers["/2.wav"] = headers
    assert main(["recheck", str(folder), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["remove"] == [{"clip": "Hosted/c2", "signals": [signal]}]
    again = evidence_of(folder)["table-c2"].again
    assert again is not None and again.http_status == 200 and again.robots_txt == "allowed"


@pytest.mark.parametrize("status", [404, 410, 451])
def test_a_recording_that_is_gone_is_on_the_list(host, folder, capsys, status):
    host.status["/4.wav"] = status
    assert main(["recheck", str(folder)]) == 1
    assert capsys.readouterr().out == "Hosted/c4\n"


def test_robots_txt_is_asked_whatever_the_recipe_says_and_what_it_forbids_is_not_asked(host, folder, capsys):
    host.files["/robots.txt"] = b"User-agent: laion-audio\nDisallow: /1\nDisallow: /3\n"
    host.requests.clear()
    assert main(["recheck", str(folder)]) == 1
    assert sorted(capsys.readouterr().out.split()) == ["Hosted/c1", "Hosted/c3"]
    assert not {"HEAD /1.wav", "HEAD /3.wav", "GET /1.wav", "GET /3.wav"} & set(host.requests)


def test_a_file_of_reservations_holds_for_the_paths_that_it_names_unless_a_header_says_otherwise(host, folder, capsys):
    rules = [{"location": "/0", "tdm-reservation": 0}, {"location": "/*.wav$", "tdm-reservation": 1, "tdm-policy": "https://a.org/p"}]
    host.files["/.well-known/tdmrep.json"] = json.dumps(rules).encode()
    host.headers["/5.wav"] = {"TDM-Reservation": "0"}
    assert main(["recheck", str(folder)]) == 1
    assert sorted(capsys.readouterr().out.split()) == [f"Hosted/c{n}" for n in (1, 2, 3, 4)]
    assert evidence_of(folder)["table-c3"].again.tdm_policy == "https://a.org/p"


@pytest.mark.parametrize("data", [b"", b"{}", b"[1, null]", b'[{"location": 3}]', b"\xff", b"[" * 100_000])
def test_a_file_of_reservations_that_is_none_reserves_nothing(host, folder, data):
    host.files["/.well-known/tdmrep.json"] = data
    assert main(["recheck", str(folder)]) == 0


def test_a_host_that_refuses_head_is_asked_by_get(host, folder, capsys):
    host.no_head = True
    host.headers["/2.wav"] = {"X-Robots-Tag": "noai"}
    assert main(["recheck", str(folder)]) == 1
    assert capsys.readouterr().out == "Hosted/c2\n"


def test_a_second_run_asks_only_about_what_got_no_answer(host, folder, capsys, monkeypatch):
    host.status["/3.wav"] = 400  # no answer to HEAD nor GET: neither gone nor there
    host.status["/robots.txt"] = 200
    assert main(["recheck", str(folder)]) == 0
    host.requests.clear()
    assert main(["recheck", str(folder)]) == 0
    assert "0 asked, 6 asked less than a day ago" in capsys.readouterr().err and host.requests == []
    forget_answers(monkeypatch)
    assert main(["recheck", str(folder)]) == 0
    assert len([each for each in host.requests if each.startswith("HEAD")]) == 6


def test_a_robots_txt_that_cannot_be_read_leaves_clips_for_later(host, folder, capsys, monkeypatch):
    monkeypatch.setattr("transforms.fetching.web.http.HttpClient._backoff", lambda *_: 0.0)
    host.status["/robots.txt"] = 500
    assert main(["recheck", str(folder)]) == 0
    assert "no answer for 6: server_error 6; run the same command again" in capsys.readouterr().err
    assert all(each.again is None for each in evidence_of(folder).values())


def test_budgets_hold_and_a_host_whose_budget_is_used_up_is_not_asked_on(host, tmp_path, capsys):
    recipe = RECIPE.replace("[[sources]]", '[hosts."127.0.0.1"]\nper_day = 9\n\n[[sources]]')
    folder = hosted_set(tmp_path, host, recipe)  # 6 requests, so 3 are left: robots.txt, tdmrep.json and one recording
    host.requests.clear()
    assert main(["recheck", str(folder)]) == 0
    assert len(host.requests) == 3 and "postponed" in capsys.readouterr().err


def test_only_evidence_changes_and_the_set_stays_without_a_fault(host, folder):

    def files() -> dict[str, str]:
        names = (path for path in folder.rglob("*") if path.is_file() and "evidence" not in path.name and ".budgets" not in path.name)
        return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in names}

    before = files()
    host.headers["/2.wav"] = {"X-Robots-Tag": "noai"}
    assert main(["recheck", str(folder)]) == 1
    assert files() == before
    assert list(verify(Folder(str(folder)), True, EagerEngine())) == []


def test_answers_stay_when_a_shard_is_made_again(host, folder, tmp_path):
    host.headers["/2.wav"] = {"X-Robots-Tag": "noai"}
    main(["recheck", str(folder)])
    before = evidence_of(folder)
    table = (tmp_path / "clips.csv").read_text()
    (tmp_path / "clips.csv").write_text(table.replace("Sound 2.", "Other words."))
    build_again(tmp_path)
    assert evidence_of(folder) == before


def test_the_tables_of_the_recipe_are_not_needed(host, folder, tmp_path):
    (tmp_path / "clips.csv").unlink()
    assert main(["recheck", str(folder)]) == 0


@pytest.mark.parametrize(
    ("recipe", "message"), [(None, "no recipe.toml here"), ("name = 3", "cannot be read"), ("\xff[", "cannot be read")]
)
def test_a_folder_without_a_recipe_is_bad_usage(host, folder, capsys, recipe, message):
    (folder / "recipe.toml").unlink()
    if recipe is not None:
        (folder / "recipe.toml").write_text(recipe, encoding="latin-1")
    assert main(["recheck", str(folder)]) == 2
    assert message in capsys.readouterr().err


def test_what_a_host_stated_when_it_was_fetched_counts_until_it_is_asked_again():
    first = Evidence("2026-01-01T00:00:00Z", tdm_reservation="1")
    assert signals_of(first) == ("TDMRep",)
    assert signals_of(Evidence("2026-01-01T00:00:00Z", tdm_reservation="1", again=AskedAgain("2026-02-01T00:00:00Z", 200))) == ()


def test_a_crawl_records_that_robots_txt_allowed_a_recording(host, tmp_path):
    host.files["/robots.txt"] = b"User-agent: *\nDisallow: /3\n"
    folder = hosted_set(tmp_path, host, RECIPE.replace("allow_private", "respect_robots_txt = true\nallow_private"))
    evidence = evidence_of(folder)
    assert {evidence[f"table-c{n}"].robots_txt for n in (0, 1, 2, 4, 5)} == {"allowed"}
    assert ShardId("Hosted", "train", 0) in take_snapshot(Folder(str(folder))).markers
