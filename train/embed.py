"""Embeddings to keep, and search by words over a set of clips."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from train.checkpoint import Run
from train.evaluate import Embedded, embed_clips, embed_texts
from train.problem import BadInput
from train.sounds import open_clips
from train.whole import whole


@dataclass(frozen=True)
class Hit:
    """A clip that was found: cosine similarity, file or shard, key, its first caption."""

    score: float
    path: str
    key: str
    caption: str


def embed_sounds(run: Run, where: str, cache: Path) -> Embedded:
    """Embed all clips of a folder of sounds or of shards."""
    return embed_clips(run.model, open_clips(where, run.model.fused, cache))


def embed_lines(run: Run, path: Path) -> tuple[list[str], np.ndarray]:
    """Embed each line of a text file."""
    if not path.is_file():
        raise BadInput(f"{path} is no file; give a text file with one caption a line")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if not lines:
        raise BadInput(f"{path} has no text")
    return lines, embed_texts(run.model, run.tokenizer, lines, run.recipe.context)


def save_embeddings(path: Path, names: list[str], embeddings: np.ndarray) -> None:
    """Write names and embeddings (n, 512) float32 as .npz, or as .parquet by that suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.parquet

        flat = pa.array(embeddings.ravel(), pa.float32())
        table = pa.table({"name": names, "embedding": pa.FixedSizeListArray.from_arrays(flat, embeddings.shape[1])})
        pyarrow.parquet.write_table(table, path)
    elif path.suffix == ".npz":
        np.savez(path, names=np.array(names), embeddings=embeddings)
    else:
        raise BadInput(f"{path}: the suffix says how to write; .npz and .parquet are known")


def search(run: Run, words: str, where: str, k: int, cache: Path) -> list[Hit]:
    """Return the k clips nearest to the words; the embeddings of the set are kept in the run's folder for the next time."""
    clips = open_clips(where, run.model.fused, cache)
    what = f"{run.step} {Path(where).resolve()} {getattr(clips, 'shards', None) or clips.paths}"  # type: ignore[union-attr]
    kept = run.folder / f"search-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npz"
    if not kept.exists():
        found = embed_clips(run.model, clips)
        first = [captions[0] if captions else "" for captions in found.captions]
        with whole(kept) as file:
            np.savez(file, audio=found.audio, paths=np.array(found.paths), keys=np.array(found.keys), captions=np.array(first))
    saved = np.load(kept)
    scores = saved["audio"] @ embed_texts(run.model, run.tokenizer, [words], run.recipe.context)[0]
    best = np.argsort(-scores, kind="stable")[:k]
    return [Hit(float(scores[i]), str(saved["paths"][i]), str(saved["keys"][i]), str(saved["captions"][i])) for i in best]
