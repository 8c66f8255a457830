"""The command line as argparse reads it: options of every verb, their defaults, and what is refused."""

import pytest

from pipeline.parser import BEAM_VERBS, make_parser
from pipeline.records import TRANSIENT


def parsed(*arguments: str) -> dict:
    return vars(make_parser().parse_args(arguments))


UNASKED = {**dict.fromkeys(("prune", "reshard", "repair", "wait"), False), "data": None}
ENGINE = {"runner": "local", "workers": None}


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (["sources"], {"json": False, "recipe": None, "data": None}),
        (["sources", "--json", "--recipe", "r"], {"json": True, "recipe": "r", "data": None}),
        (["plan", "r"], {"recipe": "r", "output": None, "limit": None, "dry_run": False, "data": None, **ENGINE}),
        (
            ["plan", "r", "--dry-run", "--limit", "7", "--data", "d"],
            {"recipe": "r", "output": None, "limit": 7, "dry_run": True, "data": "d", **ENGINE},
        ),
        (["build", "r", "--output", "o"], {"recipe": "r", "output": "o", "limit": None, "json": False, **UNASKED, **ENGINE}),
        (
            ["build", "r", "--output", "s3://b/o", "--json", "--runner", "SparkRunner", "--workers", "1"],
            {"recipe": "r", "output": "s3://b/o", "limit": None, "json": True, "runner": "SparkRunner", "workers": 1, **UNASKED},
        ),
        (
            ["build", "r", "--output", "o", "--prune", "--reshard", "--repair", "--wait"],
            {
                "recipe": "r",
                "output": "o",
                "limit": None,
                "json": False,
                **dict.fromkeys(("prune", "reshard", "repair", "wait"), True),
                "data": None,
                **ENGINE,
            },
        ),
        (["retry", "o"], {"folder": "o", "reason": TRANSIENT, "wait": False, "json": False, **ENGINE}),
        (
            ["retry", "o", "--reason", "not_found, corrupt", "--wait"],
            {"folder": "o", "reason": {"not_found", "corrupt"}, "wait": True, "json": False, **ENGINE},
        ),
        (["recaption", "o"], {"folder": "o", "recipe": None, "json": False, **ENGINE}),
        (["recaption", "o", "r", "--json"], {"folder": "o", "recipe": "r", "json": True, **ENGINE}),
        (["status", "o"], {"folder": "o", "captions": False, "watch": False, "json": False}),
        (["status", "o", "--captions", "--json"], {"folder": "o", "captions": True, "watch": False, "json": True}),
        (
            ["leaks", "o", "--against", "evaluation", "--against", "held.csv"],
            {"folder": "o", "against": ["evaluation", "held.csv"], "data": None, "ids_of": None}
            | dict.fromkeys(("seconds", "write", "json"), False),
        ),
        (["verify", "o"], {"folder": "o", "deep": False} | ENGINE),
        (["verify", "o", "--deep"], {"folder": "o", "deep": True} | ENGINE),
    ],
)
def test_a_verb_has_these_options_and_defaults(arguments, options, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parsed(*arguments) == {"verb": arguments[0], **options}


@pytest.mark.parametrize(
    "arguments", [["build", "r"], ["plan"], ["recaption"], ["status"], ["verify"], ["recaption", "o", "r", "x"], ["sources", "x"], []]
)
def test_a_missing_or_extra_argument_is_refused(arguments):
    with pytest.raises(SystemExit) as stopped:
        parsed(*arguments)
    assert stopped.value.code == 2


def test_verbs_with_an_engine_give_unknown_options_to_beam():
    with_engine = {verb for verb in ("plan", "build", "retry", "recaption", "verify") if "--runner" in help_of(verb)}
    without = {verb for verb in ("sources", "status") if "--runner" not in help_of(verb)}
    assert with_engine == BEAM_VERBS and len(without) == 2


def help_of(verb: str) -> str:
    verbs = next(action for action in make_parser()._actions if action.dest == "verb")
    assert verbs.choices is not None
    return verbs.choices[verb].format_help()  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize(
    ("verb", "words"),
    [
        ("sources", ("licence",)),
        ("plan", ("quickstart", "gs://", "estimate", "first N rows", "SparkRunner", "one a core")),
        ("build", ("quickstart", "s3://", "first N rows", "unknown options go to Beam", "books as JSON")),
        ("retry", ("everything else in them is copied", "books as JSON", "that may pass by themselves", "wait until hosts")),
        ("recaption", ("never fetched", "the one the folder was built with", "books as JSON")),
        ("status", ("rejections by reason", "which repeat", "JSON for scripts")),
        ("verify", ("name every fault", "decode all audio")),
    ],
)
def test_the_help_of_a_verb_says_what_its_options_do(verb, words):
    text = " ".join(help_of(verb).split())
    assert all(word in text for word in words), text
    assert f"laion-audio {verb}" in text.partition("example")[2]
