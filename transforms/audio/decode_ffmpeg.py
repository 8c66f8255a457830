"""The last resort: one ffmpeg process, bounded in time and memory, for what the decoders in process do not open.

Its binary often knows codecs that the libraries do not. It gets bytes on its standard input and may open nothing else.
"""

from __future__ import annotations

import functools
import resource
import shutil
import struct
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import ffmpeg
import imageio_ffmpeg
import numpy as np

from pipeline.records import Rejected, SourceFormat
from transforms.audio.excerpt import Cut, check_format
from transforms.audio.mix import to_mono
from transforms.audio.sniff import demuxers

SECONDS = 120.0  # on the clock; afterwards the process is ended
MEMORY = 4 << 30  # bytes of address space
BLOCK = 1 << 16  # frames read at once
AU = struct.Struct(">4s5I")  # magic, offset of the frames, their bytes, encoding, rate, channels


def decode_ffmpeg(path: Path, container: str, cuts: Sequence[Cut]) -> list[Rejected | None] | None:
    """Feed all cuts in one pass, and return their verdicts; None where ffmpeg does not read it either, or is not there."""
    binary = find_ffmpeg()
    if binary is None:
        return None
    with path.open("rb") as file:
        process = subprocess.Popen(
            command(binary, container), stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=_limit_memory
        )
    watchdog = threading.Timer(SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None  # a pipe was asked for
    try:
        return _feed(process, process.stdout, container, cuts)
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def command(binary: str, container: str) -> list[str]:
    """Return the command: bytes in, floats out as AU, whose header needs no length; nothing but these two may be opened.

    The `fd` protocol (FFmpeg 6 and later) goes back and forth in a file on standard input, as MP4 demands.
    """
    source = ffmpeg.input("fd:", fd=0, protocol_whitelist="fd", format_whitelist=demuxers(container))
    arguments = source["a:0"].output("pipe:1", format="au", acodec="pcm_f32be", threads=1)
    return arguments.global_args("-nostdin", "-v", "error").compile(cmd=binary)


@functools.cache
def find_ffmpeg() -> str | None:
    """Return the path of the packaged ffmpeg, else of the system's, else None."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return shutil.which("ffmpeg")


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def _feed(process: subprocess.Popen[bytes], output: IO[bytes], container: str, cuts: Sequence[Cut]) -> list[Rejected | None] | None:
    header = output.read(AU.size)
    if len(header) < AU.size:
        return None
    _, offset, _, _, rate, n_channels = AU.unpack(header)
    check_format(rate, n_channels)
    output.read(offset - AU.size)
    for cut in cuts:
        cut.begin(SourceFormat(f"{container}/unknown", rate, n_channels, "ffmpeg"))
    at, size = 0, 4 * n_channels
    while not all(cut.is_full for cut in cuts) and len(data := output.read(BLOCK * size)) >= size:
        values = np.frombuffer(data[: len(data) - len(data) % size], ">f4").astype(np.float32).reshape(-1, n_channels)
        for cut in cuts:
            cut.offer(at, *to_mono(values))
        at += len(values)
    complete = all(cut.is_full for cut in cuts) or process.wait() == 0
    if not at:
        return None
    return [cut.verdict(min(at, cut.first), "" if complete else "ffmpeg gave up") for cut in cuts]
