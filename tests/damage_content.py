"""Kinds of damage in the content of a shard: audio, text, books."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile

from tests.damage import BOOKS, TAR, Built, Damage, flac
from tests.sounds import flac_with_frame_count


def _with_audio(change: Callable[[np.ndarray], bytes], *agreeing: str) -> Callable[[Built], str]:
    """Replace the FLAC of a sample; `agreeing` names the columns of the books that are made to agree."""

    def run(built: Built) -> str:
        key = built.row()["key"]
        data = change(built.frames(key))
        n_frames = soundfile.info(io.BytesIO(data)).frames if "n_frames" in agreeing else 0
        values = {"flac_bytes": len(data), "n_frames": n_frames, "duration": n_frames / 48_000}
        built.change_member(f"{key}.flac", lambda _: data)
        built.change_row(key, **{name: values[name] for name in agreeing})
        return key

    return run


def _swapped(ending: str) -> Callable[[Built], str]:
    def run(built: Built) -> str:
        first, second = (built.row(number=number)["key"] for number in (0, 1))
        data = dict(built.members())
        swap = {f"{first}.{ending}": data[f"{second}.{ending}"], f"{second}.{ending}": data[f"{first}.{ending}"]}
        built.write_members([(name, swap.get(name, each)) for name, each in data.items()])
        if ending == "flac":
            rows = {row["key"]: row for row in built.rows()}
            built.change_row(first, flac_bytes=rows[second]["flac_bytes"], n_frames=rows[second]["n_frames"])
            built.change_row(second, flac_bytes=rows[first]["flac_bytes"], n_frames=rows[first]["n_frames"])
        return first

    return run


def _noise(frames: np.ndarray) -> np.ndarray:
    changed = frames.copy()
    changed[100] += 1
    return changed


AUDIO = [
    Damage("two clips swapped", TAR, _swapped("flac"), agrees=True, deep=True),
    Damage("silence of the same length", TAR, _with_audio(lambda x: flac(np.zeros_like(x)), "flac_bytes"), True, True),
    Damage("one frame changed by one", TAR, _with_audio(lambda x: flac(_noise(x)), "flac_bytes"), True, True),
    Damage("half as loud", TAR, _with_audio(lambda x: flac(x // 2), "flac_bytes"), True, True),
    Damage("backwards", TAR, _with_audio(lambda x: flac(x[::-1]), "flac_bytes"), True, True),
    Damage("half of it", TAR, _with_audio(lambda x: flac(x[: len(x) // 2]), "flac_bytes"), True),
    Damage("half of it and of its columns", TAR, _with_audio(lambda x: flac(x[:1200]), "flac_bytes", "n_frames", "duration"), True, True),
    Damage("twice in a row", TAR, _with_audio(lambda x: flac(np.concatenate([x, x])), "flac_bytes"), True),
    Damage("other size", TAR, _with_audio(lambda x: flac(x) + b"\0"), True),
    Damage("stereo", TAR, _with_audio(lambda x: flac(np.stack([x, x], 1)), "flac_bytes"), True),
    Damage("24 bits", TAR, _with_audio(lambda x: flac(x, subtype="PCM_24"), "flac_bytes"), True),
    Damage("rate of 44100 Hz", TAR, _with_audio(lambda x: flac(x, 44_100), "flac_bytes"), True),
    Damage("WAV", TAR, _with_audio(lambda x: flac(x, kind="WAV"), "flac_bytes"), True),
    Damage("Ogg", TAR, _with_audio(lambda x: flac(x, kind="OGG", subtype="VORBIS"), "flac_bytes"), True),
    Damage("cut FLAC", TAR, _with_audio(lambda x: flac(x)[:300], "flac_bytes"), True, True),
    Damage("only the first bytes", TAR, _with_audio(lambda _: b"fLaC", "flac_bytes"), True),
    Damage("no bytes", TAR, _with_audio(lambda _: b"", "flac_bytes"), True),
    Damage("frames of garbage", TAR, _with_audio(lambda x: flac(x)[:200] + b"\x55" * 500, "flac_bytes"), True, True),
    Damage("header without count", TAR, _with_audio(lambda x: flac_with_frame_count(flac(x), 0), "flac_bytes"), True),
    Damage("header of twice the frames", TAR, _with_audio(lambda x: flac_with_frame_count(flac(x), 2 * len(x)), "flac_bytes"), True),
]


def _text(change: Callable[[Any], Any]) -> Callable[[Built], str]:
    def run(built: Built) -> str:
        key = built.row()["key"]
        built.change_sample(key, change)
        return key

    return run


def _bytes(change: Callable[[bytes], bytes]) -> Callable[[Built], str]:
    def run(built: Built) -> str:
        key = built.row()["key"]
        built.change_member(f"{key}.json", change)
        return key

    return run


ORIGINAL = {
    "id": "x",
    "source": "folder",
    "split": "test",
    "title": "",
    "url": "http://example.org/x.wav",
    "start": 1.5,
    "end": 2.5,
    "license": "",
    "creator": "Somebody",
    "duration": 1.0,
    "source_sha256": "0" * 64,
    "source_format": "mp3",
    "captions": [],
}
CAPTION = {"text": "Other.", "origin": "t5", "model": "m", "prompt": "p", "before_debias": "b"}
WHOLE = {
    "text changed": lambda v: v.update(text=["Other."]),
    "text blank": lambda v: v.update(text=[""]),
    "text empty": lambda v: v.update(text=[]),
    "text a string": lambda v: v.update(text=v["text"][0]),
    "text null": lambda v: v.update(text=None),
    "caption added": lambda v: v["text"].append("More."),
    "tags emptied": lambda v: v.update(tag=[]),
    "tags changed": lambda v: v.update(tag=["x"]),
    "tags missing": lambda v: v.pop("tag") and None,
    "tags in another order": lambda v: v["tag"].reverse(),
    "original_data emptied": lambda v: v.update(original_data={}),
    "original_data missing": lambda v: v.pop("original_data") and None,
    "unknown value": lambda v: v.update(more=1),
    "texts of a T5": lambda v: v.update(text_augment_all=v["text"], text_augment_t5=v["text"]),
    "a list": lambda v: [v],
    "not a number": lambda v: v["original_data"].update(duration=float("nan")),
    "other order of values": lambda v: dict(reversed(v.items())),
}
RAW = {
    "not JSON": lambda _: b"{",
    "no bytes of JSON": lambda _: b"",
    "binary JSON": lambda _: bytes(range(256)),
    "nested without end": lambda _: b"[" * 100_000,
    "a number of many digits": lambda d: d.replace(b'"tag"', b'"n": ' + b"9" * 5000 + b', "tag"'),
    "half of a pair of surrogates": lambda d: d.replace(b'"tag"', b'"n": "\\ud800", "tag"'),
    "blanks": lambda d: d + b"\n",
    "a value twice": lambda d: d.replace(b'"tag"', b'"tag": [], "tag"'),
    "indented": lambda d: json.dumps(json.loads(d), indent=1).encode(),
}
TEXT = [
    Damage("captions shifted", TAR, _swapped("json"), True),
    *(Damage(f"JSON: {name}", TAR, _text(change), True) for name, change in WHOLE.items()),
    *(Damage(f"JSON: {name}", TAR, _bytes(change), True) for name, change in RAW.items()),
    *(
        Damage(f"JSON: other {name}", TAR, _text(lambda v, name=name: v["original_data"].update({name: ORIGINAL[name]})), True)
        for name in ORIGINAL
    ),
    *(
        Damage(
            f"JSON: caption with other {name}",
            TAR,
            _text(lambda v, n=name: v["original_data"]["captions"][0].update({n: CAPTION[n]})),
            True,
        )
        for name in CAPTION
    ),
]


def _row(of_status: str = "sample", of_reason: str | None = None, /, **values: Any) -> Callable[[Built], str]:
    """Change values of a row of the books."""

    def run(built: Built) -> str:
        key = built.row(of_status, of_reason)["key"]
        built.change_row(key, **values)
        return key

    return run


def _cut_and_rejected(built: Built) -> str:
    """Call a sample rejected, cut it from the tar, and correct the counts of the marker and of sizes.json."""
    key = built.row()["key"]
    fetched = {"final_url", "http_status", "source_variant", "source_bytes", "source_sha256"}
    first = [name for name in built.rows()[0] if name not in fetched]
    nulls = dict.fromkeys(first[first.index("status") :])
    built.change_row(key, **nulls | {"status": "rejected", "reason": "corrupt", "stage": "convert", "detail": "cut"})
    built.write_members([(name, data) for name, data in built.members() if not name.startswith(f"{key}.")])
    return key


def _sample_again(built: Built) -> str:
    """Make a sample of a clip that is left out as equal: the same sound is then in the tar twice."""
    twin = built.row("rejected", "duplicate")
    key, first = twin["key"], built.row()
    built.change_row(
        key, **{name: value for name, value in first.items() if twin[name] is None or name in ("status", "reason", "stage", "detail")}
    )
    built.change_row(key, pcm_sha256=twin["pcm_sha256"])
    data = dict(built.members())
    pair = [(f"{key}.{ending}", data[f"{first['key']}.{ending}"]) for ending in ("flac", "json")]
    built.write_members([*data.items(), *pair])
    return key


OF_SAMPLES = {
    "dataset": "Other",
    "split": "test",
    "source": "folder",
    "id": "other",
    "url": "other.wav",
    "start": 1.0,
    "end": 2.0,
    "recording": "other",
    "license": None,
    "creator": "Somebody",
    "title": None,
    "n_captions": 7,
    "audio_request_hash": "0" * 16,
    "status": "maybe",
    "reason": "silent",
    "stage": "fetch",
    "detail": "none",
    "http_status": 7,
    "source_bytes": -1,
    "source_rate": 0,
    "source_channels": -2,
    "decoder": "",
    "n_frames": 17,
    "duration": 17.0,
    "clipped_fraction": 0.123456,
    "pcm_sha256": "zz",
    "n_nonfinite": -1,
}
ONLY_DEEP = {"peak": 0.9, "rms": 0.0125, "dc": 0.0001, "silent_fraction": 0.5, "pcm_sha256": "0" * 64, "clipped_fraction": 0.25}
IMPOSSIBLE = {"peak": 2.0, "rms": float("nan"), "dc": 5.0}
IN_THE_TAR = {"source_sha256": "0" * 64, "source_format": "mp3", "flac_bytes": 17}
LACKING = ("status", "key", "pcm_sha256", "dc")
NULLS = ("status", "n_frames", "pcm_sha256", "duration", "source_format", "flac_bytes", "url", "recording")


BOOKS_DAMAGE = [
    *(
        Damage(f"books: other {name} of a sample", BOOKS, _row(**{name: value}), True)
        for name, value in OF_SAMPLES.items()
        if name != "key"
    ),
    *(Damage(f"books: other {name}, possible", TAR, _row(**{name: value}), True, deep=True) for name, value in ONLY_DEEP.items()),
    *(
        Damage(f"books: impossible {name}", BOOKS, _row(**{name: value}), True)
        for name, value in (("peak", 2.0), ("rms", float("nan")), ("dc", 5.0))
    ),
    *(Damage(f"books: other {name} than in the tar", TAR, _row(**{name: value}), True) for name, value in IN_THE_TAR.items()),
    Damage("books: other key", BOOKS, lambda built: built.change_rows(lambda rows: [rows[0] | {"key": "table-other"}, *rows[1:]]), True),
    Damage("books: invented reason", BOOKS, _row("rejected", "not_found", reason="bored"), True),
    Damage("books: rejected without reason", BOOKS, _row("rejected", "not_found", reason=None), True),
    Damage("books: other reason", BOOKS, _row("rejected", "not_found", reason="duplicate"), True),
    Damage("books: invented stage", BOOKS, _row("rejected", "not_found", stage="lunch"), True),
    Damage("books: long detail", BOOKS, _row("rejected", "not_found", detail="x" * 301), True),
    Damage("books: a rejection with frames", BOOKS, _row("rejected", "not_found", n_frames=3), True),
    Damage("books: equal to another clip", BOOKS, _row("rejected", "duplicate", detail="same sound as table-c99"), True),
    Damage("books: other sound of a duplicate", BOOKS, _row("rejected", "duplicate", pcm_sha256="0" * 64), True),
    Damage("books: a rejection called a sample", BOOKS, _row("rejected", "not_found", status="sample"), True),
    Damage("books: a sample called rejected", BOOKS, _row(status="rejected", reason="corrupt", stage="convert", detail="x"), True),
    Damage("books: a sample called rejected and cut from the tar", f"{TAR[:-4]}_stats.json", lambda b: _cut_and_rejected(b) and None, True),
    Damage("books: equal sound left twice", BOOKS, _sample_again, True),
]


def _rows(change: Callable[[list], list]) -> Callable[[Built], None]:
    return lambda built: built.change_rows(change)


def _table(change: Callable[[pa.Table], pa.Table]) -> Callable[[Built], None]:
    return lambda built: built.change_table(BOOKS, change)


def _retyped(table: pa.Table, name: str, kind: pa.DataType) -> pa.Table:
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array([None] * len(table), kind))


BOOKS_TABLE = [
    Damage("books: a row less", BOOKS, _rows(lambda rows: rows[1:]), True),
    Damage("books: a row twice", BOOKS, _rows(lambda rows: [*rows, rows[0]]), True),
    Damage("books: other order", BOOKS, _rows(lambda rows: rows[::-1]), True),
    Damage("books: no rows", BOOKS, _table(lambda table: table[:0]), True),
    *(
        Damage(f"books: without {name}", BOOKS, _table(lambda t, n=name: t.drop_columns([n])), True)
        for name in ("status", "key", "pcm_sha256", "dc")
    ),
    *(
        Damage(f"books: {name} of another type", BOOKS, _table(lambda t, n=name: _retyped(t, n, pa.float32())), True)
        for name in ("status", "n_frames", "start", "detail")
    ),
    *(Damage(f"books: {name} null", BOOKS, _table(lambda t, n=name: _retyped(t, n, t.schema.field(n).type)), True) for name in NULLS),
    Damage("books: a column more", BOOKS, _table(lambda table: table.append_column("more", pa.nulls(len(table)))), True),
    Damage("books: a column twice", BOOKS, _table(lambda table: table.append_column("key", table["key"])), True),
]
CONTENT = [*AUDIO, *TEXT, *BOOKS_DAMAGE, *BOOKS_TABLE]
