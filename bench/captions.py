"""Measure captions by a T5 in batches against single prompts with the same settings, and the cost of cleaning, templates and de-biasing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from augment.debias.rewrite import debias
from augment.keyword_to_caption import T5Settings, candidates
from augment.prose import clean_text
from augment.templates import template
from augment.text_models import Model
from bench.measure import Cost, Row, cost_of, paired, ratio

ROOT = Path(__file__).parent.parent
BASE = {"d_model": 768, "d_kv": 64, "d_ff": 3072, "num_layers": 12, "num_heads": 12}  # t5-base
SMALL = {"d_model": 512, "d_kv": 64, "d_ff": 1024, "num_layers": 6, "num_heads": 8}
VOCABULARY = 32_128  # of every T5
N_WORDS = 200  # that keywords are made of


def rows(quick: bool, corpus: Path) -> list[Row]:
    """Return the figures of captioning."""
    return [*_by_t5(quick), *_by_rules(50_000 if quick else 300_000, 1 if quick else 3)]


def _by_t5(quick: bool) -> list[Row]:
    """Compare batches with single prompts: the weights are random, so that every caption has the same number of tokens."""
    n_sets, n_tokens, n_rounds = (32, 4, 1) if quick else (32, 8, 2)
    model = random_t5(SMALL if quick else BASE, n_tokens)
    sets = [(f"word{number}", f"word{(7 * number + 1) % N_WORDS}", f"word{(11 * number + 2) % N_WORDS}") for number in range(n_sets)]
    settings = T5Settings(max_new_tokens=n_tokens, candidates=1)

    def batched() -> Cost:
        return cost_of(lambda: candidates(model, sets, settings))

    def one_by_one() -> Cost:
        return cost_of(lambda: [candidates(model, [keywords], settings) for keywords in sets])

    candidates(model, sets[:2], settings)  # the first call also sets things up, which neither way should pay for
    costs = paired({"batched": batched, "one by one": one_by_one}, n_rounds)
    kind = f"{'t5-small' if quick else 't5-base'} shape, {str(model.network.dtype).removeprefix('torch.')}, {n_tokens} tokens"
    by_cpu = ratio([cost.cpu for cost in costs["one by one"]], [cost.cpu for cost in costs["batched"]])
    by_wall = ratio([cost.wall for cost in costs["one by one"]], [cost.wall for cost in costs["batched"]])
    best = min(cost.wall for cost in costs["batched"])
    return [
        Row("captions", f"CPU of one by one / batches of {settings.batch} ({kind})", *_first(by_cpu), "" if quick else ">= 7"),
        Row("captions", f"time of one by one / batches of {settings.batch} ({kind})", *_first(by_wall)),
        Row("captions", f"captions a second in batches ({kind})", n_sets / best, "captions/s"),
    ]


def _first(measured: tuple[float, tuple[float, float]]) -> tuple[float, str, tuple[float, float]]:
    return measured[0], "x", measured[1]


def random_t5(sizes: dict[str, int], n_tokens: int) -> Model:
    """Return a T5 of random weights in the type that this machine computes in, which writes exactly `n_tokens` tokens."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    from augment.text_models import compute_type

    words = ["<pad>", "</s>", "<unk>", "|", *(f"word{number}" for number in range(N_WORDS))]
    word_level = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token="<unk>"))
    word_level.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=word_level, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    torch.manual_seed(0)
    config: dict[str, Any] = {"vocab_size": VOCABULARY, "decoder_start_token_id": 0, **sizes}
    network = T5ForConditionalGeneration(T5Config(**config)).to(compute_type()).eval()
    network.generation_config.min_new_tokens = n_tokens
    return Model("random", "0", tokenizer, network)


def _by_rules(n_rows: int, n_rounds: int) -> list[Row]:
    """Clean, caption by template and de-bias rows that all differ; a third of them hold words of gender, as in AudioCaps."""
    with (ROOT / "tests/augment_debias_cases.tsv").open(encoding="utf-8") as file:
        gendered = [line.split("\t")[0].strip().rstrip(".") for line in file if line.strip() and not line.startswith("#")]
    with (ROOT / "sources/quickstart/clips.csv").open(encoding="utf-8") as file:
        clips = list(csv.DictReader(file))
    labels = sorted({label for row in clips for label in (row["labels"] or "").split(";") if label})
    others = [row["caption"].rstrip(".") for row in clips if row["caption"]]
    captions = [
        text for number, case in enumerate(gendered) for text in (case, others[number % len(others)], others[-number % len(others)])
    ]
    raw = [f"{captions[number % len(captions)]}, number {number}." for number in range(n_rows)]
    tags = [[labels[number % len(labels)], labels[(number * 5 + 1) % len(labels)]] for number in range(n_rows)]

    def all_three() -> None:
        for text, names in zip(raw, tags, strict=True):
            debias(clean_text(text))
            template(names)

    cost = min(cost_of(all_three).cpu for _ in range(n_rounds))
    return [Row("captions", f"clean + template + de-bias, {n_rows} rows, one core", n_rows / cost, "rows/s", None, ">= 20000")]
