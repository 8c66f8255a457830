"""Find the programs that submit a Spark job on this machine, and the master, before anything runs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from pipeline.engines.spark_jar import MAKE, jar_path
from pipeline.engines.spark_options import SparkSettings

JAVA = range(11, 18)
"""Versions of Java that Spark 3.5 runs on; our jar needs 11."""
CONNECT_SECONDS = 5.0


def spark_home() -> Path | None:
    """Return the folder of Spark: `$SPARK_HOME` where a cluster has its own, else that of the package pyspark; `None` if there is none."""
    if given := os.environ.get("SPARK_HOME"):
        return Path(given)
    spec = importlib.util.find_spec("pyspark")
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def spark_submit() -> Path:
    """Return the program that submits jobs; `machine_faults` says if there is none."""
    home = spark_home()
    assert home is not None
    return home / "bin" / "spark-submit"


def java_path() -> str | None:
    """Return the Java that spark-submit starts, `None` if there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which(str(Path(home) / "bin" / "java") if home else "java")


def java_version(text: str) -> int | None:
    """Return the version of Java from what `java -version` prints.

    >>> java_version('openjdk version "17.0.15" 2025-04-15'), java_version('java version "1.8.0_402"')
    (17, 8)
    """
    version = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(version[1]) if version else None


def machine_faults(settings: SparkSettings) -> Iterator[str]:
    """Yield a line with the remedy for everything that this machine lacks, and for a master that does not answer."""
    home = spark_home()
    if home is None:
        yield "--runner SparkRunner needs Spark: pip install 'laion-audio[spark]', or set SPARK_HOME to the folder of Spark 3.5"
    elif not (home / "bin" / "spark-submit").is_file():
        yield f"there is no bin/spark-submit in {home}; set SPARK_HOME to the folder of Spark 3.5"
    elif not list((home / "jars").glob("spark-core_2.12-3.*.jar")):
        yield f"{home} is not Spark 3 for Scala 2.12, which Beam needs; set SPARK_HOME to the folder of such a Spark, as of pyspark 3.5"
    yield from _java_faults()
    if not jar_path().is_file():
        yield f"the jar that runs Beam on Spark is not made yet; make it once with Maven: {MAKE}"
    if settings.master.startswith("spark://") and (fault := _master_fault(settings.master)):
        yield fault


def _java_faults() -> Iterator[str]:
    java = java_path()
    if java is None:
        yield "Spark needs Java 11 or 17: install it, as in apt-get install -y openjdk-17-jre-headless, or set JAVA_HOME"
        return
    text = subprocess.run([java, "-version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace").stdout
    version = java_version(text)
    if version is not None and version not in JAVA:
        yield f"{java} is Java {version}; Spark 3.5 needs Java 11 or 17: install one, and set JAVA_HOME to its folder"


def _master_fault(master: str) -> str | None:
    """Return a line if none of the masters in an address accepts connections."""
    error: OSError | None = None
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
        except (OSError, OverflowError) as fault:
            error = fault if isinstance(fault, OSError) else OSError("no such port")
        else:
            return None
    return f"no Spark master answers at {master} ({error}); start it, or give the address that its web page shows at the top"
