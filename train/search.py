"""Write embeddings to files, and search a set of clips by words."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from train.data.folder import FolderClips
from train.data.samples import FixedClips
from train.evaluate import embed_clips, embed_texts
from train.loop.atomic import atomic_write
from train.loop.checkpoint import Run


@dataclass(frozen=True)
class Hit:
    """A search result. score: cosine similarity. path: shard or file. caption: the clip's first."""

    score: float
    path: str
    key: str
    caption: str


def save_embeddings(path: Path, names: list[str], embeddings: np.ndarray) -> None:
    """Write names and embeddings (n, 512) float32, as Parquet if the suffix is .parquet, else as .npz."""
    with atomic_write(path) as file:
        if path.suffix == ".parquet":
            flat = pa.array(embeddings.ravel(), pa.float32())
            table = pa.table({"name": names, "embedding": pa.FixedSizeListArray.from_arrays(flat, embeddings.shape[1])})
            pyarrow.parquet.write_table(table, file)
        else:
            np.savez(file, names=np.array(names), embeddings=embeddings)


def search(run: Run, words: str, clips: FixedClips | FolderClips, k: int) -> list[Hit]:
    """Return the k clips nearest to the words, the best first. The clips' embeddings are kept in the run's folder for later searches."""
    contents = f"{run.step} {clips.shards if isinstance(clips, FixedClips) else clips.versions()}"
    cached = run.folder / f"search-{hashlib.sha256(contents.encode()).hexdigest()[:16]}.npz"
    if not cached.exists():
        embeddings = embed_clips(run.model, clips)
        first = [captions[0] if captions else "" for captions in embeddings.captions]
        with atomic_write(cached) as file:
            keys, paths = np.array(embeddings.keys), np.array(embeddings.paths)
            np.savez(file, audio=embeddings.audio, paths=paths, keys=keys, captions=np.array(first))
    saved = np.load(cached)
    scores = saved["audio"] @ embed_texts(run.model, run.tokenizer, [words], run.recipe.context)[0]
    best = np.argsort(-scores, kind="stable")[:k]
    return [Hit(float(scores[i]), str(saved["paths"][i]), str(saved["keys"][i]), str(saved["captions"][i])) for i in best]
