"""The quickstart set is made of two packages: mixes are exact, files have their codec, every clip names its authors."""

from __future__ import annotations

import csv
import io
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sources.quickstart import make_sounds
from sources.quickstart.make_sounds import ENCODERS, KEPT, PEAK, RATE, Packages, assemble, encode, fold, main, make_all, read, repeat

README = """Samples
* `:bd_808` - https://freesound.org/people/Some%20One/sounds/123/
* `:loop_rain`- http://www.freesound.org/people/rainer/sounds/9/
"""
CC0 = "License: Creative Commons Zero 1.0."
NOTES = [
    f'"Door" by "Ann B." and "Click" by Carl. {CC0} Edited by Wuzzy.',
    '"Horn" by "Dora". License: CC-BY 3.0. Edited by Wuzzy.',
    f'"Bell" by Eve. {CC0} edited by Wuzzy.',
]
SECOND = np.linspace(-0.5, 0.5, RATE).round(3)


def wav(samples: np.ndarray, rate: int = RATE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def catalogue(entries: list[tuple[str, bytes]]) -> bytes:
    """Return an `opensfx.cat`: a table of (offset, size), then for each sound its counted name, its WAV file and a short text."""
    table, body = b"", b""
    for note, sound in entries:
        name = note.encode() + b"\0"
        table += struct.pack("<II", (8 * len(entries) + len(body)) | 0x80000000, len(sound))
        body += bytes([len(name)]) + name + sound + b"\4end\0"
    return table + body


@pytest.fixture
def packages(tmp_path: Path) -> Packages:
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples/README.md").write_text(README)
    for name, samples in {"bd_808": SECOND, "loop_rain": np.stack([SECOND, -SECOND / 2], 1), "new": SECOND[:10]}.items():
        soundfile.write(tmp_path / f"samples/{name}.flac", samples, RATE, subtype="PCM_24")
    sounds = [wav(SECOND * n)[:-1] + bytes(1) for n in (0.25, 0.5, 1)]
    (tmp_path / "opensfx.cat").write_bytes(catalogue(list(zip(NOTES, sounds, strict=True))))
    return Packages(tmp_path / "samples", tmp_path / "opensfx.cat")


def test_sounds_of_sonic_pi_name_their_author(packages: Packages) -> None:
    creators = {name: packages[name].creator for name in ("bd_808", "loop_rain", "new")}
    assert creators == {"bd_808": "Some One", "loop_rain": "rainer", "new": "Sonic Pi contributors"}
    assert packages["bd_808"].origin == "sonic-pi-samples: bd_808.flac"
    assert packages["loop_rain"].samples.shape == (RATE, 2) and np.allclose(packages["bd_808"].samples[:, 0], SECOND, atol=1e-6)


def test_sounds_of_opensfx_are_found_by_their_number_and_name_their_authors(packages: Packages) -> None:
    first, last = packages["osfx_0"], packages["osfx_2"]
    assert (first.creator, last.creator) == ("Ann B. and Carl, edited by Wuzzy", "Eve, edited by Wuzzy")
    assert last.origin == "openttd-opensfx: opensfx.cat, sound 2 (Bell)"
    assert np.allclose(first.samples[:-1, 0], SECOND[:-1] / 4) and np.allclose(last.samples[:-1, 0], SECOND[:-1])
    assert len(first.samples) == len(last.samples) == RATE


def test_a_sound_of_opensfx_that_is_not_cc0_is_refused(packages: Packages) -> None:
    with pytest.raises(ValueError, match="sound 1 of OpenSFX is not CC0"):
        packages["osfx_1"]


def test_sounds_have_44100_hertz() -> None:
    assert read(io.BytesIO(wav(SECOND))).shape == (RATE, 1)
    with pytest.raises(ValueError, match="48000 Hz, not 44100"):
        read(io.BytesIO(wav(SECOND, 48_000)))


def test_a_sound_gets_the_channels_of_its_clip() -> None:
    stereo = np.array([[1.0, 3.0], [2.0, 6.0]])
    assert np.array_equal(fold(stereo, 2, 1), stereo)
    assert np.array_equal(fold(stereo, 1, 1), [[2.0], [4.0]])
    assert np.array_equal(fold(stereo[:, :1], 2, 1), [[1.0, 1.0], [2.0, 2.0]])
    assert np.array_equal(fold(stereo, 3, 4), [[0.0, 2.0, 0.0], [0.0, 4.0, 0.0]])


def test_a_sound_is_repeated_end_to_end_or_every_few_seconds() -> None:
    sound = np.array([[1.0], [2.0], [4.0]])
    assert repeat(sound, 1, None, 0.0).tolist() == sound.tolist()
    assert repeat(sound, 2, None, 0.0)[:, 0].tolist() == [1, 2, 4, 1, 2, 4]
    assert repeat(sound, 3, 2 / RATE, 0.0)[:, 0].tolist() == [1, 2, 5, 2, 5, 2, 4]
    assert repeat(sound, 2, 4 / RATE, 0.0)[:, 0].tolist() == [1, 2, 4, 0, 1, 2, 4]


def test_a_cross_fade_keeps_the_power_and_fades_no_end() -> None:
    faded = repeat(np.ones((5, 1)), 3, None, 3 / RATE)[:, 0]
    half = 2 * np.sqrt(0.5)
    assert faded == pytest.approx([1, 1, 1, half, 1, half, 1, 1, 1])


def test_parts_are_mixed_at_their_times_and_a_loud_mix_is_turned_down(packages: Packages) -> None:
    mix, sounds = assemble("bd_808@0.5 osfx_2*2/0.25 bd_808", 1, packages)
    expected = np.zeros(round(1.5 * RATE))
    for at in (0.5, 0, 0.25, 0):
        expected[round(at * RATE) : round(at * RATE) + RATE] += SECOND
    assert np.abs(mix).max() == pytest.approx(PEAK)
    assert mix[1000, 0] / mix[30_000, 0] == pytest.approx(expected[1000] / expected[30_000], rel=1e-3)
    assert [sound.creator for sound in sounds] == ["Some One", "Eve, edited by Wuzzy"]
    quiet, _ = assemble("bd_808*2~0.5", 2, packages)
    assert quiet.shape == (1.5 * RATE, 2) and quiet[:20_000] == pytest.approx(np.stack([SECOND[:20_000]] * 2, 1), abs=1e-6)


@pytest.mark.parametrize("make", ["bd_808*", "bd_808@x", "bd-808", "bd_808**2"])
def test_what_cannot_be_read_is_named(make: str, packages: Packages) -> None:
    with pytest.raises(ValueError, match="cannot read '"):
        assemble(make, 1, packages)


KINDS = {
    "pcm_s16": ("wav", "PCM_16"),
    "pcm_s24": ("wav", "PCM_24"),
    "pcm_f32": ("wav", "FLOAT"),
    "flac16": ("flac", "PCM_16"),
    "flac24": ("flac", "PCM_24"),
    "vorbis": ("ogg", "VORBIS"),
    "mp3": ("mp3", "MPEG_LAYER_III"),
    "mp3-bare": ("mp3", "MPEG_LAYER_III"),
    "opus": ("ogg", "OPUS"),
}


@pytest.mark.parametrize("codec", ENCODERS)
def test_a_codec_makes_the_same_bytes_each_time(codec: str, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(wav(SECOND[:8000]))
    suffix, subtype = KINDS.get(codec, ("m4a", ""))
    for name in "bc":
        encode(tmp_path / "a.wav", tmp_path / f"{name}.{suffix}", codec, 24_000)
    data = (tmp_path / f"b.{suffix}").read_bytes()
    assert data == (tmp_path / f"c.{suffix}").read_bytes() and not re.search(rb"Lav[fc]\d", data)
    if subtype:
        info = soundfile.info(tmp_path / f"b.{suffix}")
        assert (info.subtype, info.samplerate) == (subtype, 24_000)
    assert data.startswith(b"ID3") == (codec == "mp3") and (b"Xing" in data) == (codec == "mp3")


ROWS = """id,url,start,end,caption,caption_2,labels,split,title,file,codec,make,channels,rate,note
a,,,,A kick.,,,train,Kick,a.flac,flac16,bd_808 osfx_0*2,2,22050,
a-part,,0.1,0.2,Part.,,,train,Part,a.flac,,,,,
b,,,,Copied.,,,test,Copy,b.flac,copy,a.flac,,,a copy
bad-truncated,,,,Cut.,,,train,Cut,cut.flac,flac16,new*9 new@0.1,1,44100,
cut-not,,,,Full.,,,train,Full,full.flac,flac16,new*9 new@0.1,1,44100,
c,,,,Silence.,,,train,Silence,s.wav,silence,,1,8000,
d,,,,Page.,,,train,Page,p.mp3,html,,,,
e,,,,Gone.,,,train,Gone,gone.wav,missing,,,,
"""


def test_every_file_and_the_table_are_made(
    packages: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = tmp_path / "set"
    here.mkdir()
    monkeypatch.setattr(make_sounds, "HERE", here)
    (here / "sounds.csv").write_text(ROWS)
    monkeypatch.setattr("sys.argv", ["make_sounds.py", str(tmp_path / "samples"), str(tmp_path / "opensfx.cat")])
    main()
    with (here / "clips.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    by = "Some One; Ann B. and Carl, edited by Wuzzy"
    origin = "sonic-pi-samples: bd_808.flac; openttd-opensfx: opensfx.cat, sound 0 (Door)"
    for name in ("a", "a-part"):
        assert (rows[name]["creator"], rows[name]["origin"], rows[name]["url"]) == (by, origin, "audio/a.flac")
    assert (rows["b"]["creator"], rows["b"]["origin"], rows["b"]["license"]) == (by, "a copy", "CC0-1.0")
    assert (rows["a-part"]["start"], rows["a-part"]["caption"], rows["c"]["creator"]) == ("0.1", "Part.", "")
    audio = here / "audio"
    assert sorted(path.name for path in audio.iterdir()) == ["a.flac", "b.flac", "cut.flac", "full.flac", "p.mp3", "s.wav"]
    made, copied = soundfile.info(audio / "a.flac"), soundfile.info(audio / "b.flac")
    assert (made.samplerate, made.channels, made.frames) == (copied.samplerate, copied.channels, copied.frames) == (22_050, 2, 44_100)
    full = (audio / "full.flac").read_bytes()
    assert (audio / "cut.flac").read_bytes() == full[: int(len(full) * KEPT)]
    silence, rate = soundfile.read(audio / "s.wav")
    assert (rate, len(silence), soundfile.info(audio / "s.wav").subtype, np.abs(silence).max()) == (8000, 8000, "PCM_16", 0)
    assert (audio / "p.mp3").read_text().startswith("<!DOCTYPE html>")
    size = sum(path.stat().st_size for path in audio.iterdir())
    assert capsys.readouterr().out == f"8 rows, {size / 1e6:.2f} MB of audio\n"
    before = (here / "clips.csv").read_bytes()
    main()
    assert (here / "clips.csv").read_bytes() == before and b"\r" not in before


def test_the_rows_follow_the_columns_of_the_table(packages: Packages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(make_sounds, "HERE", tmp_path)
    (tmp_path / "sounds.csv").write_text("id,file,codec,make,note\nx,gone.wav,missing,,lost\n")
    assert make_all(packages) == [
        dict.fromkeys(make_sounds.COLUMNS, "") | {"id": "x", "url": "audio/gone.wav", "license": "CC0-1.0", "origin": "lost"}
    ]
