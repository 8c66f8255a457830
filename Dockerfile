# The image of workers on Dataflow: Beam's SDK, this package with its tested versions, and what it reads object stores with.
# Nothing is downloaded when a worker starts. Build it in a checkout: docker build -t REGISTRY/laion-audio:0.1.0 .
FROM apache/beam_python3.11_sdk:2.77.0

# The wheels of soundfile and imageio-ffmpeg bring libraries of their own; these serve the platforms that the wheels do not.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ffmpeg libsndfile1 \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/laion-audio
COPY constraints.txt setup.py pyproject.toml README.md LICENSE ./
COPY pipeline ./pipeline
COPY transforms ./transforms
COPY sources ./sources
COPY augment ./augment
COPY train ./train

# EXTRAS=gcs,s3,captions adds torch and transformers, for recipes with captions = "t5".
ARG EXTRAS=gcs,s3
RUN pip install --no-cache-dir -c constraints.txt ".[${EXTRAS}]" \
    && python -c "import pipeline.command, transforms.shards.build_shards, av, gcsfs, s3fs, soundfile, soxr"

# Archives that are fetched and unpacked are kept here, on the disk of the worker.
ENV LAION_AUDIO_CACHE=/var/cache/laion-audio
RUN mkdir -p /var/cache/laion-audio
