"""Check a tar of samples: pairs of FLAC and JSON, keys, what the JSON must contain, and with `deep` the audio."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator

import soundfile

from pipeline.output.storage import Folder
from pipeline.records import SAMPLE_RATE

KEY = re.compile(r"^[a-z0-9_-]+$")
BLOCK = 1 << 20  # frames that are decoded at once
NEEDED = {"text": list, "tag": list, "original_data": dict}


def verify_tar(name: str, folder: Folder, deep: bool) -> tuple[list[str], list[str]]:
    """Return the faults of a tar and the keys of its samples."""
    faults: list[str] = []
    keys: list[str] = []
    last_flac: str | None = None
    try:
        with folder.open(name) as file, tarfile.open(fileobj=file, mode="r:") as tar:
            for member in tar:
                key, _, kind = member.name.rpartition(".")
                extracted = tar.extractfile(member)
                data = extracted.read() if extracted else b""
                faults += [f"{name}: {member.name}: {fault}" for fault in _member_faults(key, kind, last_flac, data, deep)]
                if kind == "flac":
                    last_flac = key
                else:
                    keys += [key] if kind == "json" and key == last_flac else []
                    last_flac = None
    except (tarfile.TarError, OSError) as error:
        faults.append(f"{name}: not a readable tar ({error})")
    if last_flac is not None:
        faults.append(f"{name}: {last_flac}.flac has no JSON")
    faults += [f"{name}: key {key} occurs {count} times" for key, count in Counter(keys).items() if count > 1]
    return faults, keys


def _member_faults(key: str, kind: str, last_flac: str | None, data: bytes, deep: bool) -> Iterator[str]:
    if not KEY.match(key):
        yield "a key may hold only a-z, 0-9, _ and -"
    if kind == "flac":
        if last_flac is not None:
            yield f"comes where {last_flac}.json should be"
        if deep:
            yield from _flac_faults(data)
        elif not data.startswith(b"fLaC"):
            yield "is not FLAC"
    elif kind == "json":
        if key != last_flac:
            yield "has no FLAC before it"
        yield from _json_faults(data)
    else:
        yield "neither .flac nor .json"


def _flac_faults(data: bytes) -> Iterator[str]:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as sound:
            n_frames = 0
            while n_read := len(sound.read(BLOCK, dtype="int16")):  # a damaged header may claim more frames than memory holds
                n_frames += n_read
            encoding = sound.format, sound.subtype, sound.channels, sound.samplerate
            n_frames_in_header = sound.frames
    except soundfile.LibsndfileError as error:
        yield f"does not decode ({error.error_string})"
        return
    if encoding != ("FLAC", "PCM_16", 1, SAMPLE_RATE):
        yield f"is {encoding}, not 16-bit mono FLAC at {SAMPLE_RATE} Hz"
    if n_frames != n_frames_in_header:
        yield f"holds {n_frames} frames, its header says {n_frames_in_header}"


def _json_faults(data: bytes) -> Iterator[str]:
    try:
        sample = json.loads(data)
    except (ValueError, UnicodeDecodeError) as error:
        yield f"is not JSON ({error})"
        return
    if not isinstance(sample, dict):
        yield "is not a JSON object"
        return
    yield from (f"{key!r} is missing or no {kind.__name__}" for key, kind in NEEDED.items() if not isinstance(sample.get(key), kind))
    text = sample.get("text")
    if isinstance(text, list) and (not text or not all(isinstance(caption, str) and caption for caption in text)):
        yield "'text' must be a list of at least one non-empty string"
    if ("text_augment_all" in sample) != ("text_augment_t5" in sample):
        yield "'text_augment_all' and 'text_augment_t5' go together"
