"""Decode with one ffmpeg process, bounded in time and memory: for what FFmpeg's libraries in PyAV do not support.

The ffmpeg program is often a larger build than these libraries. It reads bytes from standard input and may open nothing else.
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
from transforms.audio.excerpt import check_format
from transforms.audio.excerpt_cutter import BLOCK_FRAMES, ExcerptCutter
from transforms.audio.mix import to_mono
from transforms.audio.sniff import allowed_demuxers

TIMEOUT_SECONDS = 120.0  # of wall-clock time; then the process is killed
MEMORY_LIMIT = 4 << 30  # bytes of address space
AU_HEADER = struct.Struct(">4s5I")  # magic number, offset of the frames, their bytes, encoding, rate, channels


def decode_ffmpeg(path: Path, container: str, cutters: Sequence[ExcerptCutter], missing: str = "") -> list[Rejected | None] | None:
    """Decode once from the first frame on and pass the frames to every cutter.

    Args:
        path: of a local file.
        container: as `sniff` returns it.
        cutters: one for every excerpt.
        missing: what is missing of the file, by its header; empty when nothing is.

    Returns:
        As `decode`; None where ffmpeg decodes no frame, or is not installed.

    Raises:
        Rejected: `corrupt`, for an impossible rate or number of channels.
    """
    program = find_ffmpeg()
    if program is None:
        return None
    with path.open("rb") as file:
        process = subprocess.Popen(
            command(program, container), stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=_limit_memory
        )
    timer = threading.Timer(TIMEOUT_SECONDS, process.kill)
    timer.start()
    assert process.stdout is not None  # a pipe was asked for
    try:
        return _read(process, process.stdout, container, cutters, missing)
    finally:
        timer.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


def command(program: str, container: str) -> list[str]:
    """Return the ffmpeg command: bytes in, float32 frames out as AU, a format whose header does not need a length.

    The `fd` protocol (FFmpeg 6 and later) can seek in a file on standard input, which MP4 needs. No other protocol is allowed.
    """
    source = ffmpeg.input("fd:", fd=0, protocol_whitelist="fd", format_whitelist=allowed_demuxers(container))
    arguments = source["a:0"].output("pipe:1", format="au", acodec="pcm_f32be", threads=1)
    return arguments.global_args("-nostdin", "-v", "error").compile(cmd=program)


@functools.cache
def find_ffmpeg() -> str | None:
    """Return the path of the ffmpeg program: that of the package imageio-ffmpeg, else the system's, else None."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        return shutil.which("ffmpeg")


def _limit_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))


def _read(
    process: subprocess.Popen[bytes], output: IO[bytes], container: str, cutters: Sequence[ExcerptCutter], missing: str
) -> list[Rejected | None] | None:
    header = output.read(AU_HEADER.size)
    if len(header) < AU_HEADER.size:
        return None
    _, offset, _, _, rate, n_channels = AU_HEADER.unpack(header)
    check_format(rate, n_channels)
    output.read(offset - AU_HEADER.size)
    for cutter in cutters:
        cutter.begin(SourceFormat(f"{container}/unknown", rate, n_channels, "ffmpeg"))
    position, frame_bytes = 0, 4 * n_channels
    while not all(cutter.is_complete for cutter in cutters) and len(data := output.read(BLOCK_FRAMES * frame_bytes)) >= frame_bytes:
        values = np.frombuffer(data[: len(data) - len(data) % frame_bytes], ">f4").astype(np.float32).reshape(-1, n_channels)
        mono, n_nonfinite = to_mono(values)
        for cutter in cutters:
            cutter.add(position, mono, n_nonfinite)
        position += len(values)
    succeeded = all(cutter.is_complete for cutter in cutters) or process.wait() == 0
    if not position:
        return None
    fault = missing if succeeded else "ffmpeg failed"
    return [cutter.rejection(min(position, cutter.first_frame), fault) for cutter in cutters]
