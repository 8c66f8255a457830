"""Turn waveforms into the input of a CLAP model, as its trainer does in evaluation. Every exported folder has a copy of this file.

transformers' own ClapFeatureExtractor differs in two ways: it marks a random short clip as long, and it draws the parts of long clips.
Both change embeddings. Here a short clip is never treated as a long one, and the parts are the middle ones.
"""

from typing import Any

import numpy as np
import torch
from transformers import AutoFeatureExtractor, BatchFeature, ClapFeatureExtractor
from transformers.utils import logging

from train.towers.features import CLIP_FRAMES, HIGHEST, HOP, LOWEST, SAMPLE_RATE, clip_features

REFUSAL = (
    "this folder carries its own feature extractor, and another one gives other embeddings; load it by AutoFeatureExtractor, AutoProcessor"
    " or ClapProcessor of transformers 5 with trust_remote_code=True"
)

KEPT = ("auto_map", "processor_class", "_processor_class")  # of the file's settings: by which transformers finds the classes
logger = logging.get_logger(__name__)


class FixedClapFeatureExtractor(ClapFeatureExtractor):
    """Compute log-mel features of mono clips of 48 kHz. Equal clips give equal features, alone and in any batch.

    fused: the model fuses front, middle and back of a clip of more than 10 s; otherwise the middle 10 s are used.
    nb_max_samples: the most frames of a clip that is not fused. Without fusion it is None: a clip must not be cut by the caller.
    Other settings are accepted and not used: features that differ from those of training would be wrong.
    """

    _auto_class = "AutoFeatureExtractor"

    def __init__(self, fused: bool = True, **settings: Any):
        super().__init__(frequency_min=LOWEST, frequency_max=HIGHEST, truncation="fusion" if fused else "middle")
        self.fused = fused
        self.nb_max_samples = CLIP_FRAMES + HOP - 1 if fused else None  # the next frame is the first of another window
        vars(self).update({name: settings[name] for name in KEPT if name in settings})

    def to_dict(self) -> dict[str, Any]:
        """Return the content of preprocessor_config.json.

        Its two frequencies are no numbers, so that ClapFeatureExtractor, which would read the file as one of its own, refuses it.
        """
        kept = {name: vars(self)[name] for name in KEPT if name in vars(self)}
        config = {"feature_extractor_type": type(self).__name__, "fused": self.fused, "sampling_rate": SAMPLE_RATE}
        return {**kept, **config, "frequency_min": REFUSAL, "frequency_max": ""}

    def __call__(
        self,
        raw_speech: Any,
        truncation: Any = None,
        padding: Any = None,
        max_length: Any = None,
        sampling_rate: int | None = None,
        return_tensors: Any = None,
        **kwargs: Any,
    ) -> BatchFeature:
        """Return input_features, float32 dB (n, 4 or 1, 1001, 64), and is_longer, bool (n, 1).

        raw_speech: one clip (n_frames,) or several: floats, 1.0 is full scale. A processor also passes truncation, padding and max_length
        of its texts, which change nothing here. Raise ValueError for another rate, several channels, integers, or frames that are
        not finite.
        """
        if sampling_rate not in (None, SAMPLE_RATE):
            raise ValueError(f"the clips have {sampling_rate} Hz, this model was trained on {SAMPLE_RATE} Hz; resample them")
        if sampling_rate is None:
            logger.warning_once(f"no sampling_rate is given: the clips are taken as clips of {SAMPLE_RATE} Hz")
        features = [clip_features(torch.from_numpy(waveform), self.fused) for waveform in waveforms(raw_speech)]
        inputs = {"input_features": [f.mel.numpy() for f in features], "is_longer": [[f.longer] for f in features]}
        return BatchFeature(inputs, tensor_type=return_tensors)


def waveforms(clips: Any) -> list[np.ndarray]:
    """Return one clip or several as float32 arrays (n_frames,).

    >>> [len(waveform) for waveform in waveforms([0.1, 0.2])], [len(waveform) for waveform in waveforms([[0.1], [0.1, 0.2]])]
    ([2], [1, 2])
    """
    arrays = [np.asarray(clip) for clip in ([clips] if len(clips) == 0 or np.ndim(clips[0]) == 0 else clips)]
    for array in arrays:
        if array.ndim != 1 or not len(array):
            raise ValueError(f"a clip has the shape {array.shape}; it should be mono, (n_frames,)")
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise ValueError(f"a clip has frames of type {array.dtype} or that are not finite; they should be floats, 1.0 is full scale")
    return [np.ascontiguousarray(array, np.float32) for array in arrays]


AutoFeatureExtractor.register(FixedClapFeatureExtractor.__name__, FixedClapFeatureExtractor, exist_ok=True)
