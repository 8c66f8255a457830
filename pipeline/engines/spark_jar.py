"""Make the jar with Beam's Spark runner and the program that spark-submit starts: `python -m pipeline.engines.spark_jar`.

It is made once, by Maven, and kept in the cache folder; after a change of its sources another is made.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sources.metadata.needs import cache_folder

SOURCES = Path(__file__).parent / "java"
MAKE = f"{sys.executable} -m pipeline.engines.spark_jar"
"""The command that makes the jar."""
NO_MAVEN = "making the Spark jar needs Java 11 or 17 and Maven, as in: apt-get install -y openjdk-17-jdk-headless maven"


def jar_path() -> Path:
    """Return where the jar is, or would be; its name holds a hash of its sources."""
    content = hashlib.sha256()
    for file in sorted(SOURCES.rglob("*")):
        if file.suffix in {".java", ".xml"}:
            content.update(file.relative_to(SOURCES).as_posix().encode() + b"\0" + file.read_bytes())
    return cache_folder() / "spark" / f"laion-audio-spark-{content.hexdigest()[:16]}.jar"


def make_jar() -> Path:
    """Return the jar, after making it if it is not there yet.

    Raises:
        FileNotFoundError: there is no Maven, or no Java.
        RuntimeError: Maven failed; the message is what it printed.
    """
    jar = jar_path()
    if jar.is_file():
        return jar
    if shutil.which("mvn") is None or shutil.which("javac") is None:
        raise FileNotFoundError(NO_MAVEN)
    jar.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jar.parent, prefix=".maven-") as folder:
        command = ["mvn", "--batch-mode", "--quiet", f"--file={SOURCES / 'pom.xml'}", f"-Dbuild.folder={folder}", "package"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}")
        (Path(folder) / "laion-audio-spark-1.jar").replace(jar)
    return jar


def main() -> int:
    """Make the jar and print its path; return the exit code."""
    try:
        sys.stdout.write(f"{make_jar()}\n")
    except (OSError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
