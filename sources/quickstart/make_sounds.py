"""Makes the clips of the quickstart set, and `clips.csv`, from two packages of CC0 sounds.

    python make_sounds.py SAMPLES OPENSFX

SAMPLES is the folder `etc/samples` of Sonic Pi (Debian: sonic-pi-samples), whose README.md names the author of each
file; OPENSFX is the file `opensfx.cat` of the OpenSFX base set (Debian: openttd-opensfx), where every sound carries its
own licence, and those that are not CC0 are refused.

`sounds.csv` says what to make, one row a clip. Rows that share a file leave its columns empty after the first. `make`
lists sounds, each as `name[*times][/step][~fade][@at]`: the sound is repeated `times` times, every `step` seconds
(default: one after another, each cross-faded with the next over `fade` seconds), beginning at `at` seconds. What is
listed is mixed; with more than two channels, each sound in turn goes to the next channel. The files are encoded by
ffmpeg without metadata, and nothing is random: the same packages and the same ffmpeg make the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import struct
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile as sf

HERE = Path(__file__).resolve().parent
RATE = 44_100  # Hz, of every sound in both packages
PEAK = 0.7  # a mix louder than this is turned down to it: room for what a lossy codec adds
KEPT = 0.4  # share of the bytes that a truncated file keeps
COLUMNS = ("id", "url", "start", "end", "caption", "caption_2", "labels", "split", "title", "creator", "license", "origin")
CC0 = "License: Creative Commons Zero 1.0."
ENCODERS = {
    "pcm_s16": ["-c:a", "pcm_s16le"],
    "pcm_s24": ["-c:a", "pcm_s24le"],
    "pcm_f32": ["-c:a", "pcm_f32le"],
    "flac16": ["-c:a", "flac", "-sample_fmt", "s16"],
    "flac24": ["-c:a", "flac", "-sample_fmt", "s32", "-bits_per_raw_sample", "24"],
    "vorbis": ["-c:a", "libvorbis", "-q:a", "1"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "7"],
    "mp3-bare": ["-c:a", "libmp3lame", "-b:a", "40k", "-write_xing", "0", "-id3v2_version", "0"],
    "aac": ["-c:a", "aac", "-b:a", "48k"],
    "opus": ["-c:a", "libopus", "-b:a", "32k"],
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>404 Not Found</title></head>
<body><h1>Not Found</h1><p>The recording you asked for has moved.</p></body>
</html>
"""
PART = re.compile(r"(?P<name>\w+)(?:\*(?P<times>\d+))?(?:/(?P<step>[\d.]+))?(?:~(?P<fade>[\d.]+))?(?:@(?P<at>[\d.]+))?")


@dataclass(frozen=True, slots=True)
class Sound:
    """One sound of a package: `samples` is (frames, channels) at RATE; `origin` says which file of which package."""

    samples: np.ndarray
    creator: str
    origin: str


class Packages:
    """The sounds of both packages, by name: `bd_808` is bd_808.flac of Sonic Pi, `osfx_36` sound 36 of OpenSFX."""

    def __init__(self, samples: Path, opensfx: Path):
        self.samples = samples
        self.opensfx = opensfx.read_bytes()
        readme = (samples / "README.md").read_text(encoding="utf-8")
        credits = re.findall(r"^\* `:(\w+)`\s*-\s*https?://\S*?/people/([^/]+)/sounds/", readme, re.MULTILINE)
        self.creators = {name.replace("_", ""): who.replace("%20", " ") for name, who in credits}

    def __getitem__(self, name: str) -> Sound:
        return self._from_opensfx(int(name[5:])) if name.startswith("osfx_") else self._from_sonic_pi(name)

    def _from_sonic_pi(self, name: str) -> Sound:
        creator = self.creators.get(name.replace("_", ""), "Sonic Pi contributors")
        return Sound(read(self.samples / f"{name}.flac"), creator, f"sonic-pi-samples: {name}.flac")

    def _from_opensfx(self, number: int) -> Sound:
        """Sound `number` of the catalogue: a table of (offset, size), then a counted name and a WAV file for each."""
        offset = struct.unpack_from("<I", self.opensfx, 8 * number)[0] & 0x7FFFFFFF
        wav = offset + 1 + self.opensfx[offset]
        note = self.opensfx[offset + 1 : wav].rstrip(b"\0").decode("utf-8")
        if CC0 not in note:
            raise ValueError(f"sound {number} of OpenSFX is not CC0: {note}")
        size = struct.unpack_from("<I", self.opensfx, wav + 4)[0] + 8
        people = re.findall(r'by (?:"([^"]+)"|([^".]+)\.)', note.split("dited by")[0])
        creator = " and ".join(quoted or plain for quoted, plain in people) + ", edited by Wuzzy"
        title = note.split('"')[1]
        return Sound(read(io.BytesIO(self.opensfx[wav : wav + size])), creator, f"openttd-opensfx: opensfx.cat, sound {number} ({title})")


def read(file: Path | io.BytesIO) -> np.ndarray:
    """The whole file as (frames, channels)."""
    samples, rate = sf.read(file, always_2d=True)
    if rate != RATE:
        raise ValueError(f"{rate} Hz, not {RATE}")
    return samples


def fold(samples: np.ndarray, channels: int, nth: int) -> np.ndarray:
    """The sound in `channels` channels: its mean, or itself, or its mean in the `nth` channel of many."""
    if channels == samples.shape[1]:
        return samples
    mono = samples.mean(axis=1, keepdims=True)
    if channels <= 2:
        return np.repeat(mono, channels, axis=1)
    placed = np.zeros((len(mono), channels))
    placed[:, nth % channels] = mono[:, 0]
    return placed


def repeat(samples: np.ndarray, times: int, step: float | None, fade: float) -> np.ndarray:
    """The sound `times` times over, every `step` seconds, or end to end with a cross-fade of `fade` seconds."""
    lap = round(fade * RATE)
    hop = len(samples) - lap if step is None else round(step * RATE)
    out = np.zeros((hop * (times - 1) + len(samples), samples.shape[1]))
    ramp = np.sqrt(np.linspace(0, 1, lap))[:, None]
    for i in range(times):
        copy = samples.copy()
        if lap and i > 0:
            copy[:lap] *= ramp
        if lap and i < times - 1:
            copy[-lap:] *= ramp[::-1]
        out[i * hop : i * hop + len(copy)] += copy
    return out


def assemble(make: str, channels: int, packages: Packages) -> tuple[np.ndarray, list[Sound]]:
    """The mix that `make` describes, at RATE, and the sounds it was made from."""
    parts: list[tuple[int, np.ndarray]] = []
    used: dict[str, Sound] = {}
    for nth, word in enumerate(make.split()):
        part = PART.fullmatch(word)
        if part is None:
            raise ValueError(f"cannot read {word!r}")
        sound = used.setdefault(part["name"], packages[part["name"]])
        step = float(part["step"]) if part["step"] else None
        samples = repeat(fold(sound.samples, channels, nth), int(part["times"] or 1), step, float(part["fade"] or 0))
        parts.append((round(float(part["at"] or 0) * RATE), samples))
    out = np.zeros((max(at + len(samples) for at, samples in parts), channels))
    for at, samples in parts:
        out[at : at + len(samples)] += samples
    return out * min(1.0, PEAK / float(np.abs(out).max())), list(used.values())


def encode(source: Path, target: Path, codec: str, rate: int | None = None) -> None:
    """Encodes `source` into `target` by ffmpeg, with nothing in it that changes from run to run."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", "-bitexact", "-i", str(source), "-map_metadata", "-1"]
    command += ["-ar", str(rate)] if rate else []
    command += [*ENCODERS[codec], "-bitexact", "-flags:a", "+bitexact", str(target)]
    subprocess.run(command, check=True)


def make_file(row: dict[str, str], packages: Packages) -> tuple[str, str]:
    """Writes the file of a row; returns who made its sounds, and where they came from."""
    target = HERE / "audio" / row["file"]
    codec = row["codec"]
    if codec == "missing":
        return "", ""
    if codec == "html":
        target.write_text(PAGE, encoding="utf-8")
        return "", ""
    if codec == "silence":
        sf.write(target, np.zeros(int(row["rate"])), int(row["rate"]), subtype="PCM_16")
        return "", ""
    mix, sounds = assemble(row["make"], int(row["channels"]), packages)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "mix.wav"
        sf.write(plain, mix, RATE, subtype="FLOAT")
        encode(plain, target, codec, int(row["rate"]))
    if row["id"] == "bad-truncated":
        full = target.read_bytes()
        target.write_bytes(full[: int(len(full) * KEPT)])
    creators = dict.fromkeys(sound.creator for sound in sounds)
    return "; ".join(creators), "; ".join(sound.origin for sound in sounds)


def make_all(packages: Packages) -> list[dict[str, str]]:
    """Writes every file, and returns the rows of `clips.csv` in the order of `sounds.csv`."""
    with (HERE / "sounds.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    (HERE / "audio").mkdir(exist_ok=True)
    credits: dict[str, tuple[str, str]] = {}
    rows = []
    for row in table:
        if row["codec"] == "copy":
            encode(HERE / "audio" / row["make"], HERE / "audio" / row["file"], "flac16")
            credits[row["file"]] = credits[row["make"]]
        elif row["codec"]:
            credits[row["file"]] = make_file(row, packages)
        creator, origin = credits[row["file"]]
        made = {"url": f"audio/{row['file']}", "creator": creator, "license": "CC0-1.0", "origin": row["note"] or origin}
        rows.append({column: made.get(column, row.get(column, "")) for column in COLUMNS})
    return rows


def main() -> None:
    """Makes the set in the folder of this script."""
    parser = argparse.ArgumentParser(description="Make the quickstart set from two packages of CC0 sounds.")
    parser.add_argument("samples", type=Path, help="folder of the Sonic Pi samples, with their README.md")
    parser.add_argument("opensfx", type=Path, help="opensfx.cat of the OpenSFX base set")
    arguments = parser.parse_args()
    rows = make_all(Packages(arguments.samples, arguments.opensfx))
    with (HERE / "clips.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    size = sum(path.stat().st_size for path in (HERE / "audio").iterdir())
    sys.stdout.write(f"{len(rows)} rows, {size / 1e6:.2f} MB of audio\n")


if __name__ == "__main__":
    main()
