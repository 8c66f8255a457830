"""Embeddings to keep, and search by words over a set of clips."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.data.batch import FixedClips
from train.data.folder import FolderClips
from train.errors import BadInput
from train.evaluate import embed_clips, embed_texts
from train.loop.atomic import atomic_write
from train.loop.checkpoint import Run


@dataclass(frozen=True)
class Hit:
    """A clip that was found: cosine similarity, file or shard, key, its first caption."""

    score: float
    path: str
    key: str
    caption: str


def read_lines(path: Path) -> list[str]:
    """Read a text file with one caption a line."""
    if not path.is_file():
        raise BadInput(f"{path} is no file; give a text file with one caption a line")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        raise BadInput(f"{path} has no text")
    return lines


def save_embeddings(path: Path, names: list[str], embeddings: np.ndarray) -> None:
    """Write names and embeddings (n, 512) float32 as .parquet by that suffix, else as .npz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet

        flat = pa.array(embeddings.ravel(), pa.float32())
        table = pa.table({"name": names, "embedding": pa.FixedSizeListArray.from_arrays(flat, embeddings.shape[1])})
        pyarrow.parquet.write_table(table, path)
    else:
        np.savez(path, names=np.array(names), embeddings=embeddings)


def search(run: Run, words: str, clips: FixedClips | FolderClips, k: int) -> list[Hit]:
    """Return the k clips nearest to the words; the embeddings of the set are kept in the run's folder for the next time."""
    what = f"{run.step} {clips.shards if isinstance(clips, FixedClips) else clips.paths}"
    kept = run.folder / f"search-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npz"
    if not kept.exists():
        found = embed_clips(run.model, clips)
        first = [captions[0] if captions else "" for captions in found.captions]
        with atomic_write(kept) as file:
            np.savez(file, audio=found.audio, paths=np.array(found.paths), keys=np.array(found.keys), captions=np.array(first))
    saved = np.load(kept)
    scores = saved["audio"] @ embed_texts(run.model, run.tokenizer, [words], run.recipe.context)[0]
    best = np.argsort(-scores, kind="stable")[:k]
    return [Hit(float(scores[i]), str(saved["paths"][i]), str(saved["keys"][i]), str(saved["captions"][i])) for i in best]
