"""Write the model card of an exported folder: how to load it, its scores, what it was trained on, under which licences."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any

import transformers
from huggingface_hub import ModelCardData

from train.hub.leaks import NONE, OUTDATED, BenchmarkLeaks, LeaksRecord, mteb_tasks
from train.hub.training_data import DatasetSummary
from train.loop.checkpoint import Run
from train.loop.log import flatten

LICENCES_NAMED = 8  # of a dataset; the others are counted together
NOT_RECORDED = "not recorded"
NOT_CERTIFIED = (
    "Not compared with benchmarks: the shards had no leaks.json when the training began. That is not to say that they are clean."
)
NOT_CURRENT = "Not compared with benchmarks: leaks.json of the shards was made from other shards than were trained on."
COMPARED = "As leaks.json of the shards had it when the training began; `laion-audio leaks` made it. Text alone is no leak."
OF_MTEB = "These are tasks on datasets that were trained on, of any split, or whose clips leak."
MARK = "<!-- Written by `python -m train export`. A README.md without this line is left as it is. -->"
CARD = """---
{metadata}
---
{mark}
# {name}

A CLAP model: it embeds sounds and texts into one space of 512 dimensions. {towers}, {millions:.1f} M parameters, step {step} of its
training by laion-audio.

## Use
With transformers 5. `PATH` is this folder, or the name of its repository.

```python
from transformers import AutoProcessor, ClapModel, pipeline

model = ClapModel.from_pretrained("PATH").eval()
processor = AutoProcessor.from_pretrained("PATH", trust_remote_code=True)
classifier = pipeline("zero-shot-audio-classification", model="PATH", trust_remote_code=True)
```

Sounds are mono of 48 kHz, of any length. Give texts with `truncation=True`: they are cut at {context} tokens, as in training.

## Code that does not trust this folder
The folder has a feature extractor of its own (`feature_extraction.py`). The one of transformers marks a random short clip as long and draws
the parts of long clips, which gives other embeddings, so that it refuses this folder. Code that cannot pass `trust_remote_code=True`, such
as the CLAP wrapper of mteb, loads the folder and gives the right embeddings after this line in the same process:

```python
from transformers import AutoFeatureExtractor; AutoFeatureExtractor.from_pretrained("PATH", trust_remote_code=True)
```

{checked}

## Scores
{scores}

## Training data
{data}

## Benchmarks in the training data
{leaks}

## Settings
{settings}
"""


@dataclass(frozen=True)
class CardFacts:
    """What the card says besides the run itself.

    data: the training datasets. leaks: what was known of benchmarks in them when the training began. scores: nested dicts of numbers by
    title. difference: the largest one between embeddings of the exported folder and of the run.
    """

    data: Sequence[DatasetSummary] = ()
    leaks: LeaksRecord = field(default_factory=LeaksRecord)
    scores: Mapping[str, dict] = field(default_factory=dict)
    difference: float = 0.0


def model_card(run: Run, name: str, facts: CardFacts) -> str:
    """Return the text of README.md."""
    metadata = ModelCardData(
        library_name="transformers", pipeline_tag="zero-shot-audio-classification", tags=["clap", "audio", "custom_code", "laion-audio"]
    )
    recipe = run.recipe
    fusion = f"{recipe.fusion} fusion of clips of more than 10 s" if run.model.fused else "the middle 10 s of longer clips"
    checked = (
        f"Checked with transformers {transformers.__version__} when the folder was written: embeddings of sounds and texts differ from"
    )
    return CARD.format(
        metadata=metadata.to_yaml(),
        mark=MARK,
        name=name,
        towers=f"{recipe.audio} and {recipe.text} ({recipe.size} size), {fusion}",
        millions=sum(parameter.numel() for parameter in run.model.parameters()) / 1e6,
        step=run.step,
        context=recipe.context,
        checked=f"{checked} those of the trainer\nby at most {facts.difference:.0e}.",
        scores="\n\n".join(score_table(title, values) for title, values in facts.scores.items()) or "None was given.",
        data=data_table(facts.data),
        leaks=leaks_section(facts.leaks, [dataset.name for dataset in facts.data]),
        settings=table(("key", "value"), [(key, setting(value)) for key, value in asdict(recipe).items()]),
    )


def score_table(title: str, values: dict) -> str:
    """Return the scores as a table below their title.

    >>> print(score_table("test", {"t2a": {"R@1": 0.25}, "n_clips": 4}))
    **test**
    <BLANKLINE>
    | score | value |
    |---|---|
    | t2a/R@1 | 0.250 |
    | n_clips | 4 |
    """
    rows = [(name, f"{value:.3f}" if isinstance(value, float) else str(value)) for name, value in flatten(values).items()]
    return f"**{title}**\n\n{table(('score', 'value'), rows)}"


def data_table(datasets: Sequence[DatasetSummary]) -> str:
    """Return the training datasets as a table, with a sentence on licences."""
    if not datasets:
        return "Not recorded: the shards could not be read when this card was written. `export --shards SHARDS` names them."
    rows = [(d.name, f"{d.n_clips:,}", f"{d.hours:,.1f}" if d.hours else NOT_RECORDED, licences(d)) for d in datasets]
    text = table(("dataset", "clips", "hours", "licences of the recordings"), rows)
    return f"{text}\n\nThis card states no licence of the weights. Whoever publishes them chooses one that these licences allow."


def leaks_section(record: LeaksRecord, datasets: Sequence[str]) -> str:
    """Return what is known of benchmarks in the training data, as a table, and the names that mteb asks for."""
    tasks = ", ".join(f'"{task}"' for task in mteb_tasks(datasets, record))
    named = f"For the `ModelMeta` of mteb: `training_datasets={{{tasks}}}`. {OF_MTEB}" if tasks else ""
    text = {NONE: NOT_CERTIFIED, OUTDATED: NOT_CURRENT}.get(record.state, "")
    if not text:
        rows = [(each.name, f"{each.n_clips:,}", *known(each)) for each in record.benchmarks]
        text = f"{COMPARED}\n\n{table(('benchmark', 'clips', 'of them in training', 'compared by'), rows)}"
    return "\n\n".join(filter(None, (text, named)))


def known(benchmark: BenchmarkLeaks) -> tuple[str, str]:
    """Return how many clips of a benchmark are in training, and by what that is known. What was not compared is not called clean.

    >>> known(BenchmarkLeaks("ESC", "missing", 0, 0)), known(BenchmarkLeaks("A", "nothing found", 9, 0, ["recording", "pcm"]))
    (('not compared', ''), ('0', 'recording, pcm'))
    """
    is_known = benchmark.state in {"found", "nothing found"}
    return f"{benchmark.n_leaks:,}" if is_known else "not compared", ", ".join(benchmark.compared)


def licences(dataset: DatasetSummary) -> str:
    """Return the licences of a dataset, the most frequent first, with their clips.

    >>> licences(DatasetSummary("A", 4, 0.1, {"CC0-1.0": 3, "": 1}))
    'CC0-1.0 (3), not recorded (1)'
    """
    named = list(dataset.licences.items())[:LICENCES_NAMED]
    rest = list(dataset.licences.values())[LICENCES_NAMED:]
    texts = [f"{licence or NOT_RECORDED} ({n:,})" for licence, n in named]
    return ", ".join([*texts, *([f"{len(rest)} others ({sum(rest):,})"] if rest else [])])


def setting(value: Any) -> str:
    """Return a setting as text. Of a path its last part alone, since folders are those of somebody's machine.

    >>> setting("/home/me/HTSAT.ckpt"), setting("roberta-base"), setting(True)
    ('HTSAT.ckpt', 'roberta-base', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    return PurePath(value).name if isinstance(value, str) and PurePath(value).is_absolute() else str(value)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown. Cells are made of one line."""
    cells = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join(f"| {' | '.join(row)} |" if row else f"|{'---|' * len(head)}" for row in [head, [], *cells])
