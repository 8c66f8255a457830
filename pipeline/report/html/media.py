"""Read the beginning of a chosen sample from its tar, and make what the report shows of it: a spectrogram and a player."""

from __future__ import annotations

import base64
import io
import tarfile
from dataclasses import dataclass

from pipeline.output.damage import DamagedFileError
from pipeline.output.layout import tar_name
from pipeline.output.storage import Folder
from pipeline.report.html.chosen import BLOCK, N_SAMPLES, ChosenSample
from pipeline.report.html.spectrogram import spectrogram
from transforms.audio.preview import as_opus, read_beginning

SECONDS = 30.0  # of a sample that can be heard
MAX_PLAYERS = 10_000_000  # bytes of all players in the page
MAX_PLAYER = MAX_PLAYERS // N_SAMPLES // 4 * 3 - 100  # bytes of Opus: base64 makes four of three
MAX_FLAC = 4 << 20  # bytes: more than `SECONDS` of FLAC ever take, 2.9 MB of frames and the tags


@dataclass(frozen=True, slots=True)
class Media:
    """What is seen and heard of a sample: the beginning of `seconds`. Data addresses, or `fault` where its audio cannot be read."""

    seconds: float = 0.0
    picture: str = ""
    player: str = ""
    fault: str = ""


def media_of(folder: Folder, sample: ChosenSample) -> Media:
    """Return spectrogram and player of a sample, or why there are none."""
    try:
        frames = read_beginning(io.BytesIO(_flac(folder, sample)), SECONDS)
    except (DamagedFileError, FileNotFoundError, ValueError) as error:
        return Media(fault=f"{tar_name(sample.shard)}: its audio cannot be read: {error}")
    opus = as_opus(frames)
    player = _data("audio/ogg", opus) if 0 < len(opus) <= MAX_PLAYER else ""
    return Media(len(frames) / 48_000, _data("image/png", spectrogram(frames)), player)


def _flac(folder: Folder, sample: ChosenSample) -> bytes:
    """Return the first bytes of the FLAC of a sample.

    Raises:
        DamagedFileError, FileNotFoundError: the tar cannot be read.
        ValueError: the tar holds something else there.
    """
    name = f"{sample.row['key']}.flac"
    with folder.naming(tar_name(sample.shard)), folder.open(tar_name(sample.shard)) as file:
        file.seek(sample.at - BLOCK)
        header = file.read(BLOCK)
        try:
            member = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            raise ValueError(f"no file begins where the books say ({error})") from error
        if (member.name, member.size) != (name, sample.row["flac_bytes"]):
            raise ValueError("the books say that another file is there")
        data: bytes = file.read(min(member.size, MAX_FLAC))
    return data


def _data(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
