"""Turn captions into token ids, by the tokenizer of a pretrained text tower or a byte-level BPE trained on the captions."""

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

from train.errors import BadInput

SPECIAL_TOKENS = ("<s>", "<pad>", "<unk>", "</s>", "<mask>")  # ids 0 to 4; </s> is not 2, for which transformers' CLIP has a special case


def train_tokenizer(captions: Iterable[str], vocabulary: int, context: int) -> PreTrainedTokenizerBase:
    """Train a byte-level BPE of at most `vocabulary` tokens. The same captions give the same tokenizer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL_TOKENS), initial_alphabet=sorted(alphabet), min_frequency=2, show_progress=False
    )
    tokenizer.train_from_iterator(captions, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        model_max_length=context,
        bos_token="<s>",
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token="</s>",
        mask_token="<mask>",
    )


def load_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a hub id or folder. Raise BadInput if there is none, or if it has no token for padding.

    It pads on the right, since some towers count positions from the first token. Where none is meant for padding (GPT-2) the end token is
    used: padded tokens are masked.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        raise BadInput(f"no tokenizer could be loaded from {name!r}: {str(error).splitlines()[0]}") from error
    tokenizer.padding_side = "right"
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        raise BadInput(f"the tokenizer {name!r} has no padding token, which a text tower needs")
    return tokenizer


def tokenize(tokenizer: PreTrainedTokenizerBase, captions: list[str], context: int) -> tuple[Tensor, Tensor]:
    """Return ids and mask, (n, n_tokens) each, padded to the longest caption and cut at `context` tokens."""
    encoded = tokenizer(captions, padding=True, truncation=True, max_length=context, return_tensors="pt")
    return encoded["input_ids"], encoded["attention_mask"]


def count_truncated(tokenizer: PreTrainedTokenizerBase, captions: list[str], context: int) -> int:
    """Return the number of captions with more than `context` tokens."""
    return sum(len(ids) > context for ids in tokenizer(captions, verbose=False)["input_ids"])


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write a tokenizer as files that load_tokenizer reads."""
    tokenizer.save_pretrained(str(folder))
