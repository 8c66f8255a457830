"""Every clip becomes a sample or a rejection; a recording is fetched once for all its clips."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import SAMPLE_RATE, AudioLimits, Clip, Provenance, Reason, Recording, Rejected, Rejection, Sample
from tests.sounds import RATE, by_soundfile, pcm16, tone, wav
from transforms.audio.convert import convert
from transforms.shards.make_samples import make_samples


def clip(start: float | None = None, end: float | None = None) -> Clip:
    return Clip("table", "Set", "train", f"{start}-{end}", "sound.wav", start, end)


def made(data: bytes, folder: Path, *clips: Clip, limits: AudioLimits | None = None) -> list[Sample | Rejection]:
    path = folder / "sound"
    path.write_bytes(data)
    return list(
        make_samples(
            clips or [clip()], lambda clip, work: Recording(path, Provenance(sha256="abc")), limits or AudioLimits(), folder, convert
        )
    )


def frames_of(sample: Sample | Rejection) -> np.ndarray:
    assert isinstance(sample, Sample), sample
    with soundfile.SoundFile(io.BytesIO(sample.flac)) as sound:
        assert (sound.samplerate, sound.channels, sound.subtype) == (SAMPLE_RATE, 1, "PCM_16")
        return sound.read(dtype="int16")


def test_16_bit_mono_at_48_khz_is_not_changed(tmp_path):
    noise = np.random.default_rng(7).integers(-32768, 32768, 48_000).astype(np.int16)
    (sample,) = made(wav(noise.tobytes(), rate=48_000), tmp_path)
    assert np.array_equal(frames_of(sample), noise)


def test_statistics_are_those_of_the_flac(tmp_path):
    (sample,) = made(wav(pcm16(tone(1.0)), n_channels=2), tmp_path)
    frames = frames_of(sample)
    assert isinstance(sample, Sample)
    assert sample.statistics.n_frames == len(frames) == SAMPLE_RATE
    assert sample.statistics.pcm_sha256 == hashlib.sha256(frames.astype("<i2").tobytes()).hexdigest()
    assert sample.statistics.peak == np.abs(frames.astype(int)).max() / 32768
    assert (sample.format.name, sample.format.rate, sample.format.n_channels) == ("wav/pcm_16", RATE, 2)


def test_frames_beyond_full_scale_saturate_and_are_counted(tmp_path):
    square = np.where(np.arange(RATE) % 100 < 50, 1.0, -1.0)[:, None]
    (sample,) = made(by_soundfile(square, RATE, "WAV", "FLOAT"), tmp_path)
    assert isinstance(sample, Sample)
    assert sample.statistics.clipped_fraction > 0.01
    assert np.abs(np.diff(frames_of(sample).astype(int))).max() <= 65535  # no frame wrapped around


def test_several_clips_of_one_recording_are_fetched_once(tmp_path):
    (tmp_path / "sound").write_bytes(wav(pcm16(tone(4.0, n_channels=1))))
    fetched = []

    def fetch(clip: Clip, work: Path) -> Recording:
        fetched.append(clip.id)
        return Recording(tmp_path / "sound", Provenance())

    clips = [clip(0.0, 1.0), clip(2.0, 4.0), clip(9.0, 10.0), clip()]
    outcomes = list(make_samples(clips, fetch, AudioLimits(), tmp_path, convert))
    assert len(fetched) == 1
    assert [outcome.clip for outcome in outcomes] == clips
    durations = [outcome.statistics.duration if isinstance(outcome, Sample) else outcome.reason for outcome in outcomes]
    assert durations == [1.0, 2.0, Reason.OUT_OF_RANGE, 4.0]


def test_a_recording_that_cannot_be_fetched_rejects_all_its_clips(tmp_path):
    def fetch(clip: Clip, work: Path) -> Recording:
        raise Rejected(Reason.NOT_FOUND, "HTTP 404", Provenance(http_status=404))

    outcomes = list(make_samples([clip(0.0, 1.0), clip(1.0, 2.0)], fetch, AudioLimits(), tmp_path, convert))
    assert [(o.reason, o.stage, o.provenance.http_status) for o in outcomes if isinstance(o, Rejection) and o.provenance] == [
        (Reason.NOT_FOUND, "fetch", 404)
    ] * 2


def test_a_rejected_clip_keeps_the_provenance_of_its_recording(tmp_path):
    (rejection,) = made(b"<html>", tmp_path)
    assert isinstance(rejection, Rejection)
    assert (rejection.stage, rejection.provenance) == ("convert", Provenance(sha256="abc"))


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (AudioLimits(min_seconds=1.5), Reason.TOO_SHORT),
        (AudioLimits(max_seconds=0.5), Reason.TOO_LONG),
        (AudioLimits(min_source_rate=48_000), Reason.LIMIT_EXCEEDED),
        (AudioLimits(silent_below_db=-3.0), Reason.SILENT),
        (AudioLimits(1.0, 1.0, RATE, -7.0), None),
    ],
)
def test_the_limits_of_the_recipe_reject_by_reason(limits, reason, tmp_path):
    (outcome,) = made(wav(pcm16(tone(1.0, n_channels=1))), tmp_path, limits=limits)
    assert (outcome.reason if isinstance(outcome, Rejection) else None) == reason


def test_limits_of_a_recipe_can_express_the_rules_of_laion_for_freesound(tmp_path):
    rules = AudioLimits(max_seconds=180.0, min_source_rate=16_000)
    (low,) = made(wav(pcm16(tone(1.0, 8_000, 1)), rate=8_000), tmp_path, limits=rules)
    (long,) = made(wav(bytes(2 * 8 * 16_000) * 23, rate=16_000), tmp_path, limits=rules)
    (fine,) = made(wav(pcm16(tone(1.0, 16_000, 1)), rate=16_000), tmp_path, limits=rules)
    assert isinstance(low, Rejection)
    assert isinstance(long, Rejection)
    assert (low.reason, long.reason) == (Reason.LIMIT_EXCEEDED, Reason.TOO_LONG)
    assert isinstance(fine, Sample)


def test_less_than_a_frame_of_sound_is_too_short(tmp_path):
    (outcome,) = made(wav(b"\xff\x3f", rate=768_000), tmp_path)
    assert isinstance(outcome, Rejection)
    assert outcome.reason is Reason.TOO_SHORT


def test_a_section_of_a_recording_gives_the_frames_of_the_recording(tmp_path):
    noise = np.random.default_rng(7).integers(-32768, 32768, 10 * 44_100).astype(np.int16)
    asked = []

    def fetch(clip: Clip, work: Path) -> Recording:
        asked.append((clip.start, clip.end))
        first = 3 * 44_100 + 1 if clip.end is not None else 0
        (tmp_path / "section").write_bytes(wav(noise[first:].tobytes(), rate=44_100))
        return Recording(tmp_path / "section", Provenance(), first / 44_100)

    clips = [clip(4.005, 5.005), clip(3.5, 4.0), clip(8.0, 10.0)]
    section = make_samples(clips, fetch, AudioLimits(), tmp_path, convert)
    full = make_samples([*clips, clip()], fetch, AudioLimits(), tmp_path, convert)
    assert asked == [(3.5, 10.0), (0.0, None)]
    for of_section, of_full in zip(section, full[:3], strict=True):
        assert np.array_equal(frames_of(of_section), frames_of(of_full))


def test_a_rejection_names_times_of_the_recording_and_not_of_the_section(tmp_path):
    def fetch(clip: Clip, work: Path) -> Recording:
        (tmp_path / "section").write_bytes(wav(pcm16(tone(2.0, n_channels=1))))
        return Recording(tmp_path / "section", Provenance(), 30.0)

    (outcome,) = make_samples([clip(31.0, 41.0)], fetch, AudioLimits(), tmp_path, convert)
    assert isinstance(outcome, Rejection)
    assert (outcome.reason, outcome.detail) == (Reason.OUT_OF_RANGE, "excerpt from 31 s to 41 s, but the recording has 32.00 s")
