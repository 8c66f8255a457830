"""Make tables of metadata with as many rows as asked for, in the forms in which AudioSet, Freesound, WavCaps, AudioCaps and Clotho are.

All texts, names and numbers are made here; the same number of rows gives the same tables. They have what makes planning cost: captions
with and without words of gender, titles that are names of files, descriptions with markup, licences by address and by name, labels,
excerpts of one recording in several sources, rows that repeat an excerpt, rows that cannot be read, and splits that are held out.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import itertools
import json
import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from augment.class_names import CLASS_NAMES
from sources.clotho import FOLDERS

SHARES = {"audioset": 0.54, "freesound": 0.20, "wavcaps": 0.14, "table": 0.05, "audiocaps": 0.05, "clotho": 0.02}
"""Source -> its share of the rows. In the paper's largest mix (Wu et al. 2023), AudioSet has three quarters and Freesound a fifth."""
N_CLASSES = 527  # of AudioSet
RECIPE = """
name = "bench"
holdout = ["audiocaps:test", "audiocaps:valid", "clotho:test", "clotho:valid"]
debias = "all"

[[sources]]
source = "audioset"

[[sources]]
source = "freesound"

[[sources]]
source = "wavcaps"
splits = ["FreeSound", "AudioSet_SL"]
audio_root = "recordings"

[[sources]]
source = "table"
dataset = "Own"
path = "own.csv"

[[sources]]
source = "audiocaps"

[[sources]]
source = "clotho"
"""
WHO = (
    "A man", "A woman", "A young girl", "Two men", "A crowd", "A dog", "Birds", "An engine", "Heavy rain", "A train horn", "Water",
    "Several people", "A small bell", "A machine", "Footsteps", "A gate", "Someone", "Wind", "A group of children", "The waves",
    "A motor vehicle", "An old clock", "A flock of geese", "A cat", "Male voices",
)  # fmt: skip
DOES = (
    "talks", "is speaking", "sings softly", "barks twice", "hums", "is rattling", "splashes", "rings", "crackles", "whistles", "taps",
    "squeaks", "moves past", "becomes louder", "starts and stops", "echoes", "rumbles", "chirps", "knocks", "fades away",
)  # fmt: skip
WHERE = (
    "nearby", "in the distance", "in a large hall", "on a metal roof", "in a kitchen", "by the sea", "under a bridge", "in a busy street",
    "behind a closed window", "at a station", "in a forest", "on gravel", "over a loudspeaker", "inside of a car", "in a quiet room",
    "at night", "in the rain", "on a wooden floor", "in an office", "across a field",
)  # fmt: skip
THEN = (
    "", " as the wind blows", " while music plays", ", followed by a click", " and he laughs", " with static", ", then a woman answers",
    " while a crowd cheers", ", and water drips", " as traffic passes", " again and again", ", then there is silence", " before a beep",
    " while keys jingle", " and something falls", ", and his dog runs", " as a child shouts", ", with a low hum", " and then stops", ".",
)  # fmt: skip
LICENSES = (
    "http://creativecommons.org/publicdomain/zero/1.0/", "https://creativecommons.org/licenses/by/4.0/", "Attribution Noncommercial",
    "http://creativecommons.org/licenses/by-nc/3.0/", "http://creativecommons.org/licenses/sampling+/1.0/", "CC0", "CC BY 3.0", "",
)  # fmt: skip
NOTES = (
    "", " Recorded with a Zoom H4n at 48 kHz, 24 bit.", "<br>See <a href=\"http://example.org/sounds\">my page</a> for more.",
    "\r\nEdited in Audacity; feel free to use it.", " Part of a pack of 40 sounds, 120 bpm.", " Enjoy!", "\r\n\r\nThanks to all.", "",
)  # fmt: skip


def write_tables(folder: Path, n_rows: int) -> Path:
    """Write the tables below `folder`, and return the recipe that plans them; about `n_rows` rows become clips or rejections."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {source: int(share * n_rows) for source, share in SHARES.items()}
    _audioset(folder / "audioset", counts["audioset"])
    _freesound(folder / "freesound", counts["freesound"])
    _wavcaps(folder / "wavcaps", counts["wavcaps"])
    _own(folder / "own.csv", counts["table"])
    _audiocaps(folder / "audiocaps", counts["audiocaps"])
    _clotho(folder / "clotho", counts["clotho"])
    (folder / "recordings").mkdir(exist_ok=True)
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    return recipe


def add_rows(folder: Path, n_rows: int) -> None:
    """Append rows to the table of a user, each a new recording."""
    with (folder / "own.csv").open("a", encoding="utf-8", newline="") as file:
        for number in range(n_rows):
            url, text = f"https://example.org/added/{number}.wav", f"A new sound with the number {number}"
            csv.writer(file).writerow((f"added_{number}", url, text, "", "Rain", "", "", "train", "CC0", "me", text))


def video(number: int) -> str:
    """Return a YouTube id.

    >>> len(video(7)), video(7) == video(8)
    (11, False)
    """
    return base64.urlsafe_b64encode(hashlib.blake2b(str(number).encode(), digest_size=8).digest())[:11].decode()


def caption(chance: random.Random) -> str:
    """Return a sentence about a sound; about a third of them have words of gender, as in AudioCaps."""
    return f"{chance.choice(WHO)} {chance.choice(DOES)} {chance.choice(WHERE)}{chance.choice(THEN)}"


def class_names() -> list[str]:
    """Return 527 names of classes; those with commas are AudioSet's."""
    made = (f"{who.removeprefix('A ').capitalize()} {does.split()[-1]}" for who, does in itertools.product(WHO, DOES))
    return list(itertools.islice(dict.fromkeys([*sorted(CLASS_NAMES), *made]), N_CLASSES))


def _audioset(folder: Path, n_rows: int) -> None:
    names, chance = class_names(), random.Random("audioset")
    mids = [f"/m/0{number:04x}" for number in range(len(names))]
    _csv(folder / "class_labels_indices.csv", ("index", "mid", "display_name"), zip(range(len(names)), mids, names, strict=True))
    n_balanced, n_eval = n_rows // 90, n_rows // 100
    parts = {"balanced_train": range(n_balanced), "eval": range(n_balanced, n_balanced + n_eval)}
    for part, numbers in (parts | {"unbalanced_train": range(n_balanced + n_eval, n_rows)}).items():
        with _opened(folder / f"{part}_segments.csv") as file:
            file.write("# Segments csv\n# num_ytids\n# YTID, start_seconds, end_seconds, positive_labels\n")
            for number in numbers:
                start = 10 * chance.randrange(40)
                labels = ",".join(chance.choices(mids, k=chance.choice((1, 2, 2, 3, 4))))
                end = start if number % 5000 == 4999 else start + 10  # a row that cannot be read
                file.write(f'{video(number)}, {start}.000, {end}.000, "{labels}"\n')


def _freesound(folder: Path, n_rows: int) -> None:
    folder.mkdir(exist_ok=True)
    chance, tags = random.Random("freesound"), [name.split(",")[0].lower().replace(" ", "-") for name in class_names()]
    kinds: tuple[Callable[[str, int], str], ...] = (
        lambda text, number: text,
        lambda text, number: f"{text.replace(' ', '_')}_{number % 40:02}.wav",
        lambda text, number: f"{text.title().replace(' ', '')}-{number % 9}.aif",
        lambda text, number: f"{text} - {number % 90}.mp3",
        lambda text, number: f"DR{number:04}_{number % 1000:04}.wav",
    )

    def record(number: int) -> dict[str, Any]:
        text = f"{chance.choice(WHO)} {chance.choice(WHERE)}"
        return {
            "id": 1000 + number,
            "title": kinds[number % len(kinds)](text, number),
            "tags": ",".join(chance.choices(tags, k=chance.randrange(2, 9))) + ",",
            "description": "" if number % 7 == 0 else f"{caption(chance)}. {caption(chance)}{chance.choice(NOTES)}",
            "username": f"user{number % 9973}",
            "license": chance.choice(LICENSES),
            "download_url": f"https://freesound.org/apiv2/sounds/{1000 + number}/download/",
        }

    writer: pq.ParquetWriter | None = None
    for first in range(0, n_rows, 50_000):
        part = pa.Table.from_pylist([record(number) for number in range(first, min(first + 50_000, n_rows))])
        writer = writer or pq.ParquetWriter(folder / "freesound_parquet.parquet", part.schema)
        writer.write_table(part)
    if writer:
        writer.close()


def _wavcaps(folder: Path, n_rows: int) -> None:
    chance, n_strong = random.Random("wavcaps"), n_rows // 4
    strong = ({"id": f"Y{video(3 * number)}.wav", "caption": caption(chance), "duration": 10.0} for number in range(n_strong))
    freesound = (
        {
            "id": str(1000 + 2 * number),
            "file_name": f"{caption(chance)}.wav",
            "caption": caption(chance),
            "description": caption(chance),
            "duration": 7.5,
            "author": f"user{number % 9973}",
            "tags": [f"tag{number % 300}", "sound"],
            "href": f"/people/user/sounds/{1000 + 2 * number}/",
            "download_link": f"https://freesound.org/data/previews/{number}.mp3",
        }
        for number in range(n_rows - n_strong)
    )
    for name, entries in (("as_final", strong), ("fsd_final", freesound)):
        with _opened(folder / f"{name}.json") as file:
            file.write('{"num_captions_per_audio": 1, "data": [')
            for number, entry in enumerate(entries):
                file.write((", " if number else "") + json.dumps(entry))
            file.write("]}")


def _own(path: Path, n_rows: int) -> None:
    chance = random.Random("own")
    head = ("id", "url", "caption_1", "caption_2", "labels", "start", "end", "split", "license", "creator", "title")

    def row(number: int) -> tuple[object, ...]:
        file = number - 1 if number % 50 == 49 else number  # which repeats the excerpt of the row before
        url = f"https://example.org/recordings/{file % 997}/take{file}.wav" + ("?token=secret" if number % 100 == 0 else "")
        labels = ";".join(chance.choices(("Rain", "Dog", "Male speech, man speaking", "wind_noise", "Engine"), k=2))
        start, split = "" if file % 3 else f"{file % 60}.5", ("train", "train", "train", "valid", "test")[file % 5]
        text = "" if number % 9 == 0 else caption(chance)
        end = "soon" if number % 200 == 7 else "" if file % 3 else f"{file % 60 + 9}.25"
        return f"own_{file}" if file % 2 else "", url, text, caption(chance), labels, start, end, split, chance.choice(LICENSES), "me", text

    _csv(path, head, map(row, range(n_rows)))


def _audiocaps(folder: Path, n_rows: int) -> None:
    chance, n_valid, n_test = random.Random("audiocaps"), n_rows // 100, n_rows // 50
    parts = {"val": (5, range(n_valid)), "test": (5, range(n_valid, n_valid + n_test)), "train": (1, range(n_valid + n_test, n_rows))}
    for part, (n_captions, numbers) in parts.items():
        rows = ((f"{number}{n}", video(7 * number), 30, caption(chance)) for number in numbers for n in range(n_captions))
        _csv(folder / f"{part}.csv", ("audiocap_id", "youtube_id", "start_time", "caption"), rows)


def _clotho(folder: Path, n_rows: int) -> None:
    chance, sizes = random.Random("clotho"), {"valid": n_rows // 6, "test": n_rows // 6}
    number = itertools.count(1000)
    for part, n_part in (sizes | {"train": n_rows - 2 * (n_rows // 6)}).items():
        sounds = [next(number) for _ in range(n_part)]
        rows = ((f"Sound {sound}.wav", *(caption(chance) for _ in range(5))) for sound in sounds)
        _csv(folder / f"clotho_captions_{FOLDERS[part]}.csv", ("file_name", *(f"caption_{n}" for n in range(1, 6))), rows)
        head = ("file_name", "keywords", "sound_id", "sound_link", "start_end_samples", "manufacturer", "license")
        about = ((f"Sound {s}.wav", "rain;wind", 11 * s, f"https://freesound.org/s/{11 * s}", "[0, 9]", "me", LICENSES[0]) for s in sounds)
        _csv(folder / f"clotho_metadata_{FOLDERS[part]}.csv", head, about)


def _csv(path: Path, head: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with _opened(path) as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _opened(path: Path) -> Any:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w", encoding="utf-8", newline="")
