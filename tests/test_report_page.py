"""The report as one page: what it says, that it needs nothing else, and that no text of a table becomes a part of the page."""

from __future__ import annotations

import base64
import dataclasses
import itertools
import json
import os
import re
import shutil
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import fsspec
import pytest

from pipeline.command import main
from pipeline.output.books import read_books, write_books
from pipeline.output.layout import PLAN, books_name, plan_name
from pipeline.output.plan_files import read_rows_of, write_plan_file
from pipeline.output.plan_index import Plan, PlannedShard
from pipeline.output.snapshot import take_snapshot
from pipeline.output.storage import Folder
from pipeline.output.t5_files import Verdict, write_verdicts
from pipeline.records import Caption, Clip, ShardId
from pipeline.report.html.content import MAX_TEXT_SHARDS, content_of, plan_of_text
from pipeline.report.html.page import make_report
from pipeline.verbs.status import read_the_books
from tests.fates import build_into, command, make_fates
from tests.many_shards import repeat_shard
from tests.pages import Page

TRAIN = ShardId("Fates", "train", 0)
ATTRIBUTES = {
    *("aria-hidden", "aria-label", "aria-labelledby", "alt", "charset", "class", "content", "controls", "d", "dir", "height", "href"),
    *(
        "http-equiv",
        "id",
        "lang",
        "loading",
        "name",
        "overflow",
        "preload",
        "preserveaspectratio",
        "rel",
        "role",
        "scope",
        "src",
        "tabindex",
    ),
    *("text-anchor", "viewbox", "width", "x", "x1", "x2", "y", "y1", "y2"),
}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>' onload='alert(1)",
    "javascript:alert(document.cookie)",
    "\u202e\u2066gnp.exe\u2069\u200f",
    '=HYPERLINK("http://evil.example/","x")',
    "]]></style></title></textarea><!--<svg/onload=alert(1)>--!>",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "a\x00\x1b[31m\u2028\ud7ff\U000e0001b",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    build_into(root / "set", make_fates(root / "in"))
    return root / "set"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(built, tmp_path / "copy"))


@pytest.fixture(scope="module")
def bytes_of_page(built: Path) -> bytes:
    return make_report(take_snapshot(Folder(str(built)))).page


def page_of(folder: Path | str) -> Page:
    return Page(make_report(take_snapshot(Folder(str(folder)))).page)


def checked(page: Page) -> Page:
    """Check that a page holds no script, and no address but links and data."""
    assert {"script", "iframe", "object", "embed", "form", "base", "link", "style"} & {name for name, _ in page.elements} == {"style"}
    for name, attributes in page.elements:
        assert set(attributes) <= ATTRIBUTES, f"<{name}> has {set(attributes) - ATTRIBUTES}"
    assert all((href or "").startswith(("#", "http://", "https://")) for each in page.named("a") for href in [each["href"]])
    sources = [attributes["src"] or "" for _, attributes in page.elements if "src" in attributes]
    assert all(source.startswith(("data:image/png;base64,", "data:audio/ogg;base64,")) for source in sources)
    return page


def test_the_page_has_the_numbers_of_the_books(built: Path, bytes_of_page: bytes) -> None:
    page, books = checked(Page(bytes_of_page)), read_the_books(take_snapshot(Folder(str(built))))
    assert "Complete: each of 26 planned rows is one sample or one rejection." in page.text
    assert len(books.total.reasons) > 9
    for reason, count in books.total.reasons.items():
        assert re.search(rf"{reason} (may pass: retry )?{count} Fates {count}", page.text), reason
    assert "audio 4.6 s" in page.text and "planned rows 26" in page.text


def test_every_shown_sample_has_picture_player_text_and_provenance(bytes_of_page: bytes) -> None:
    page = Page(bytes_of_page)
    samples = [attributes for attributes in page.named("li") if attributes.get("class") == "sample"]
    assert len(samples) == len(page.named("img")) == len(page.named("audio")) == 13
    assert all("Spectrogram of sample" in (image["alt"] or "") for image in page.named("img"))
    assert page.text.count("licence not stated") == 13 and "human A man plays note 4." in page.text
    assert "from good-4.wav recording wav/pcm_16, 44,100 Hz, 1 channel" in page.text


def test_the_policy_of_the_page_allows_data_and_its_own_style_alone(bytes_of_page: bytes) -> None:
    page = bytes_of_page.decode()
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    policy = next(each["content"] for each in Page(page.encode()).named("meta") if each.get("http-equiv") == "Content-Security-Policy")
    allowed = f"style-src 'sha256-{digest}'; img-src data:; media-src data:"
    assert policy == f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    assert "url(" not in style[1] and "@import" not in style[1]


def test_equal_folders_give_equal_bytes_whatever_they_are_called(bytes_of_page: bytes, folder: Path, tmp_path: Path) -> None:
    assert main(["report", str(folder), "--output", str(tmp_path / "new" / "other.html")]) == 0
    assert (tmp_path / "new" / "other.html").read_bytes() == bytes_of_page
    assert not (folder / "report.html").exists() and len(list((tmp_path / "new").iterdir())) == 1


@pytest.mark.slow
def test_equal_folders_give_equal_bytes_in_every_process(bytes_of_page: bytes, folder: Path, tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    done = command("report", folder, "--output", tmp_path / "other.html", env=environment)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "other.html").read_bytes() == bytes_of_page


def poison(folder: Path, texts: Sequence[str]) -> None:
    """Put texts everywhere where a table, a host or another program could have put them."""
    target, first, text = Folder(str(folder)), texts[0], itertools.cycle(texts)
    for planned in take_snapshot(target).plan.shards:  # type: ignore[union-attr]
        rows = {row["key"]: row for row in read_books(target, planned.shard).to_pylist()}
        given = {clip: next(text) if rows[clip.key]["status"] == "sample" else first for clip in read_rows_of(target, planned.shard)}
        write_plan_file([_poisoned(clip, given[clip]) for clip in given], folder / PLAN / plan_name(planned.shard))
        write_books([_poisoned_row(rows[clip.key], given[clip]) for clip in given], folder / books_name(planned.shard))
    (folder / "recipe.toml").write_text(f"name = {json.dumps(first)}")
    (folder / "build.json").write_text(json.dumps({"command": [*texts], "engine": first, "commit": first, "versions": {first: first}}))
    shared = [{"first": f"{text}/train", "second": f"{text}/test", "n_read": 3, "n_planned": 2} for text in texts]
    (folder / PLAN / "shared_recordings.json").write_text(json.dumps(shared))


def _poisoned(clip: Clip, text: str) -> Clip:
    captions = (Caption(text, text, text, text, text, (text,)), Caption(text))
    return dataclasses.replace(clip, captions=captions, labels=(text,), title=text, creator=text)


def _poisoned_row(row: dict, text: str) -> dict:
    names = ("url", "creator", "title", "source_format", "id", "source", "detail")
    return row | {name: text for name in names if row[name] is not None} | {"license": text}


def test_hostile_texts_are_shown_as_text_and_nothing_else(folder: Path) -> None:
    poison(folder, HOSTILE)
    report = make_report(take_snapshot(Folder(str(folder)))).page
    page = checked(Page(report))
    assert not set("\u202e\u2066\u2069\u200f\x00\x1b\u2028\U000e0001") & set(report.decode())
    names = " ".join(each.get("aria-label") or "" for each in page.named("audio"))
    for text in HOSTILE:
        if text.isprintable():
            assert text in page.text and text in names
    assert "⟨U+202E⟩⟨U+2066⟩gnp.exe⟨U+2069⟩⟨U+200F⟩" in page.text and "a⟨U+0000⟩⟨U+001B⟩[31m" in page.text


def test_a_text_of_a_megabyte_is_cut(folder: Path) -> None:
    poison(folder, ["short", "x" * 1_000_000, *["short"] * 30])
    report = make_report(take_snapshot(Folder(str(folder)))).page
    assert len(report) < 1_000_000
    assert "x" * 600 + "… (1,000,000 characters)" in Page(report).text


def test_links_lead_only_to_pages_of_the_web(folder: Path) -> None:
    books = Folder(str(folder))
    given = (
        "https://freesound.org/s/17/",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "https://me:pw@a.org/?token=secret",
        'http://a.org/"x y',
    )
    urls = itertools.cycle(given)
    for planned in take_snapshot(books).plan.shards:  # type: ignore[union-attr]
        rows = read_books(books, planned.shard).to_pylist()
        changed = [row | {"url": next(urls)} if row["status"] == "sample" else row for row in rows]
        write_books(changed, folder / books_name(planned.shard))
    page = checked(page_of(folder))
    links = {each["href"] for each in page.named("a") if not (each["href"] or "").startswith("#")}
    assert links == {"https://freesound.org/s/17/"}
    assert all(each.get("rel") == "noopener noreferrer nofollow external" for each in page.named("a") if each["href"] in links)
    assert "JavaScript:alert(1)" in page.text and "token=secret" not in page.text and "https://a.org/?token=masked" in page.text


def test_a_folder_that_is_half_built_says_so(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Fates/train/0_stats.json").unlink()
    (folder / "build.json").unlink()
    page = checked(page_of(folder))
    assert re.search(r"Not complete: 4 of 5 shards are built, and \d rows wait\.", page.text)
    assert "not built yet" in page.text and "build.json is written when the build is finished." in page.text
    assert main(["report", str(folder)]) == 0
    assert "not complete: 4 of 5 shards are built" in capsys.readouterr().out


def test_a_plan_without_any_shard_built_has_a_report(folder: Path) -> None:
    for marker in folder.rglob("*_stats.json"):
        marker.unlink()
    page = checked(page_of(folder))
    assert "0 of 5 shards are built" in page.text and "No sample is built yet." in page.text and not page.named("audio")


def test_a_plan_without_rows_has_a_report(tmp_path: Path) -> None:
    Folder(str(tmp_path)).write_json("plan/plan.json", Plan("fingerprint", (), {}, {}).to_json())
    assert "Empty: the plan has no rows." in checked(page_of(tmp_path)).text


def test_a_folder_without_a_plan_ends_with_two_and_says_what_to_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(tmp_path / "none")]) == 2
    assert "no plan here" in (printed := capsys.readouterr().err) and "name the --output of a build" in printed.replace("\n", " ")
    assert not (tmp_path / "none").exists()


def test_damaged_files_are_named_and_the_rest_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "Fates/train/0.parquet").write_bytes(b"PAR1 no")
    (folder / "Fates/train/1.tar").write_bytes(b"\0" * 4000)
    (folder / "plan/Fates/train/00001.parquet").unlink()
    assert main(["report", str(folder)]) == 1
    errors = capsys.readouterr().err
    assert "Fates/train/0.parquet: damaged" in errors and "the text of the plan is missing from the report" in errors
    page = checked(Page((folder / "report.html").read_bytes()))
    assert "Built, but 2 files cannot be read" in page.text and "its audio cannot be read" in page.text
    assert page.named("audio"), "other shards can be heard"


def test_a_recipe_nested_without_end_leaves_the_report_without_a_name(folder: Path) -> None:
    (folder / "recipe.toml").write_text("name = " + "[" * 100_000)
    assert content_of(take_snapshot(Folder(str(folder)))).name == ""


def test_a_folder_in_a_store_has_the_same_report(built: Path, bytes_of_page: bytes) -> None:
    root = "memory://report-page/set"
    store = fsspec.filesystem("memory")
    for path in built.rglob("*"):
        if path.is_file():
            store.pipe_file(f"{root}/{path.relative_to(built)}", path.read_bytes())
    assert make_report(take_snapshot(Folder(root))).page == bytes_of_page


def test_counts_of_many_shards_add_up(built: Path, tmp_path: Path) -> None:
    repeat_shard(built, TRAIN, 70, tmp_path)
    marker = take_snapshot(Folder(str(built))).markers[TRAIN]
    content = content_of(take_snapshot(Folder(str(tmp_path))))
    assert content.facts.totals["samples"] == content.books.total.samples == 70 * marker.n_samples
    assert (
        sum(content.facts.seconds.values())
        == sum(content.facts.levels.values())
        == sum(content.facts.hosts.values())
        == 70 * marker.n_samples
    )
    assert content.text is not None and sum(each.count for each in content.text.words.columns) == content.text.n_captions
    assert len({card.shard for card in content.samples}) == 30, "one of each of 30 shards"


def test_of_very_many_shards_the_text_of_a_part_is_read_the_same_part_each_time() -> None:
    shards = tuple(PlannedShard(ShardId("A", "train", number), 7, "") for number in range(MAX_TEXT_SHARDS + 500))
    plan = Plan("fingerprint", shards, {}, {})
    part = plan_of_text(plan)
    assert len(part.shards) == MAX_TEXT_SHARDS and set(part.shards) < set(shards) and part == plan_of_text(plan)
    assert 480 < sum(planned.shard.index < 750 for planned in part.shards) < 520, "not the first ones"
    assert plan_of_text(part) is part


def test_the_guard_and_de_biasing_show_what_they_did(folder: Path) -> None:
    target = Folder(str(folder))
    clips = read_rows_of(target, TRAIN)
    changed = dataclasses.replace(
        clips[0], captions=(Caption("A person sings.", before_debias="A <b>man</b> sings.", debias_rules=("person",)),)
    )
    write_plan_file([changed, *clips[1:]], folder / PLAN / plan_name(TRAIN))
    verdicts = [
        (Verdict("Fates", ("dog", "rain"), "", ("A dog barks in the rain.",), (None,)), 3),
        (Verdict("Fates", ("<cat>",), "", ("Ducks & cats.",), ("added",)), 2),
    ]
    write_verdicts(verdicts, target, PLAN)
    plan = target.read_json("plan/plan.json") | {"t5": target.read_json("plan/t5_counts.json")}
    target.write_json("plan/plan.json", plan)
    text = checked(page_of(folder)).text
    assert "Words of gender that say nothing about the sound were replaced in 1 of 22 captions." in text
    assert "A <b>man</b> sings. A person sings." in text and "before de-biasing: A <b>man</b> sings." in text
    assert (
        "Fates 2 50 % 5 60 %" in text
        and "<cat> Ducks & cats. refused: added" in text
        and "dog; rain A dog barks in the rain. passes" in text
    )


def test_leaks_are_shown_where_they_were_looked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "was not checked" in page_of(folder).text
    assert main(["leaks", str(folder), "--against", str(folder), "--write"]) == 0
    page = checked(page_of(folder))
    assert "No clip of the benchmarks that could be compared was found in the training splits." in page.text
    assert "Fates/test 2 0" in page.text and "was not checked" not in page.text and "made from another plan" not in page.text
    leaks = json.loads((folder / "leaks.json").read_text())
    (folder / "leaks.json").write_text(json.dumps(leaks | {"plan_sha256": "0" * 64}))
    assert "leaks.json was made from another plan or other shards." in page_of(folder).text
    (folder / "leaks.json").write_text("{}")
    assert main(["report", str(folder)]) == 1 and "leaks.json: damaged" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["", "gs://bucket/report.html", "."])
def test_what_is_no_file_of_this_machine_is_refused(output: str, built: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["report", str(built), "--output", output])
    assert ended.value.code == 2 and "file" in capsys.readouterr().err
