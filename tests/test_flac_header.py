"""A number of frames in the header of a FLAC that is wrong loses no audio, and a missing end is not taken for a wrong number."""

import numpy as np
import pytest

from pipeline.records import Reason
from tests.sounds import FORMATS, RATE, by_av, flac_with_frame_count
from tests.test_audio_bad_input import make_outcome
from transforms.audio.flac_header import is_flac_header_right, md5_agrees

N_FRAMES = 3 * RATE + 77
NOISE = np.random.default_rng(4).uniform(-0.5, 0.5, (N_FRAMES, 2))
FLACS = {name: FORMATS[name].make(NOISE, RATE) for name in ("flac_16", "flac_24")}
FLACS["by FFmpeg"] = by_av(NOISE, RATE, "flac", "flac", bit_rate=None)


def is_right(data, folder) -> bool:
    (folder / "a.flac").write_bytes(data)
    with (folder / "a.flac").open("rb") as file:
        return is_flac_header_right(file, 0)


@pytest.mark.parametrize("name", FLACS)
def test_a_header_is_right_unless_more_frames_follow(name, tmp_path):
    data = FLACS[name]
    assert is_right(data, tmp_path)
    for n_frames in (1, N_FRAMES // 2, N_FRAMES - 1):
        assert not is_right(flac_with_frame_count(data, n_frames), tmp_path)
    assert not is_right(data + data, tmp_path)
    assert is_right(data[: len(data) // 2], tmp_path)  # the decoder will say what is missing


def test_block_numbers_of_several_bytes_are_read(tmp_path):
    data = FORMATS["flac_16"].make(np.random.default_rng(1).uniform(-0.5, 0.5, (5000 * 250, 1)), 8000)
    assert is_right(data, tmp_path)
    assert not is_right(flac_with_frame_count(data, 5000 * 250 - 1), tmp_path)


@pytest.mark.parametrize("name", FLACS)
def test_the_md5_tells_that_all_frames_are_there(name, tmp_path):
    path = tmp_path / "a.flac"
    path.write_bytes(flac_with_frame_count(FLACS[name], 2 * N_FRAMES))
    assert md5_agrees(path)
    path.write_bytes(FLACS[name][: int(0.8 * len(FLACS[name]))])
    assert not md5_agrees(path)


@pytest.mark.parametrize("factor", [0.5, 0.99, 1.01, 2.0])
def test_a_wrong_number_of_frames_loses_nothing(factor, tmp_path):
    result = make_outcome(flac_with_frame_count(FLACS["flac_16"], int(factor * N_FRAMES)), tmp_path)
    assert result.statistics.duration == pytest.approx(N_FRAMES / RATE, abs=0.001)


def test_joined_files_are_decoded_to_their_end_and_a_missing_end_is_corrupt(tmp_path):
    data = FLACS["flac_16"]
    assert make_outcome(data + data, tmp_path).statistics.duration == pytest.approx(2 * N_FRAMES / RATE, abs=0.001)
    assert make_outcome(data[: int(0.7 * len(data))], tmp_path).reason is Reason.CORRUPT
