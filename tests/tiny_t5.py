"""A real T5 of a few thousand weights that was taught a few lessons: right about these, and free to invent elsewhere."""

from __future__ import annotations

import csv
from pathlib import Path

LESSONS = {
    "bark": "a dog barks .",
    "rain": "rain is falling .",
    "male speech rain": "a man speaks in the rain .",
}
"""Prompt -> what the model says; the third stands after de-biasing."""


def make_t5(folder: Path, n_steps: int = 150) -> Path:
    """Train and save the model; it says its lessons by heart."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    spoken = sorted({word for pair in LESSONS.items() for text in pair for word in text.split()} | {"wind", "hum", "thunder", "siren"})
    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *spoken])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    torch.manual_seed(0)
    sizes = {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 1, "num_heads": 2, "dropout_rate": 0.0}
    model = T5ForConditionalGeneration(T5Config(vocab_size=len(vocabulary), decoder_start_token_id=0, **sizes))
    asked = tokenizer(list(LESSONS), return_tensors="pt", padding=True)
    answers = tokenizer(list(LESSONS.values()), return_tensors="pt", padding=True).input_ids
    labels = answers.masked_fill(answers == 0, -100)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # there is too little to divide
    teacher = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(n_steps):
        teacher.zero_grad()
        model(input_ids=asked.input_ids, attention_mask=asked.attention_mask, labels=labels).loss.backward()
        teacher.step()
    torch.set_num_threads(n_threads)
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def make_chat(folder: Path) -> Path:
    """Save a Llama of a few thousand random weights, with a chat template."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    spoken = sorted(
        [
            "a",
            "A",
            "the",
            "dog",
            "Dog",
            "bark",
            "Bark",
            "barks",
            "barking",
            "is",
            "heard",
            "rain",
            "Rain",
            "falls",
            "and",
            ".",
            "user",
            "bot",
        ]
    )
    vocabulary = {word: index for index, word in enumerate(["<pad>", "</s>", "<unk>", *spoken])}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="<unk>")
    tokenizer.chat_template = "{% for message in messages %}user {{ message.content }} {% endfor %}bot"
    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=len(vocabulary), pad_token_id=0, eos_token_id=1, bos_token_id=2, **sizes))
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


ROWS = [
    # id, seconds, caption, labels
    ("dog", 3.0, "", "Dog;Bark"),
    ("dog-again", 3.5, "", "Bark;Dog"),
    ("rain", 4.0, "", "Rain"),
    ("speech", 4.5, "", "Male speech, man speaking;Rain"),
    ("zither", 5.0, "", "Zither"),
    ("gong", 5.5, "", "Gong"),
    ("human", 6.0, "Somebody wrote this.", "Rain"),
    ("short", 1.5, "", "Rain"),
    ("many", 6.5, "", "a1;b1;c1;d1;e1;f1;g1;h1;i1"),
]
RECIPE = """
name = "labelled"
captions = "t5"
shard_size = 5

[t5]
model = "{model}"
batch = 2
{more}
[[sources]]
source = "table"
dataset = "Labelled"
path = "labelled.csv"

[[sources]]
source = "table"
dataset = "Plain"
path = "plain.csv"
"""


def make_labelled(root: Path, model: Path, more: str = "") -> Path:
    """Write tables of labels and of captions, and a recipe over them; return its path."""
    root.mkdir(parents=True, exist_ok=True)
    with (root / "labelled.csv").open("w", newline="") as file:
        rows = [[name, f"{name}.wav", 0, seconds, caption, labels] for name, seconds, caption, labels in ROWS]
        csv.writer(file).writerows([["id", "url", "start", "end", "caption", "labels"], *rows])
    (root / "plain.csv").write_text("id,url,caption\nplain,plain.wav,A caption of a man.\n")
    (root / "recipe.toml").write_text(RECIPE.format(model=model, more=more))
    return root / "recipe.toml"
