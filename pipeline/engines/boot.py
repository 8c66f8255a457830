"""Start one Python worker of Beam on a machine that has this package: `python -m pipeline.engines.boot`, for Beam's PROCESS environment.

Beam's own program for this is part of its container images only. A worker ends with the process that started it, however that ends: a
job that is cancelled, or an executor that is killed, leaves no worker and no conversion process behind.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import signal
import sys
import threading
import time
import traceback
from types import TracebackType
from typing import NoReturn

NEEDS = "LAION_AUDIO_WORKER"
"""Environment variable with the versions that a worker must have: `versions()` of the submitter."""
OTHER_VERSIONS, NOT_STARTED = 67, 68
"""Exit codes of a worker that has other versions, and of one that failed before it was ready. 1 is Python's own: no such module."""
LOOK_SECONDS = 0.5


def versions() -> str:
    """Return the versions that must be the same where a pipeline is submitted and where it runs: steps are pickled, with their code.

    >>> versions().split()[0]
    'Python'
    """
    names = ("laion-audio", "apache-beam")
    python = ".".join(platform.python_version_tuple()[:2])
    return ", ".join([f"Python {python}", *(f"{name} {importlib.metadata.version(name)}" for name in names)])


def main() -> None:
    """Run a worker until its runner ends it."""
    sys.excepthook = _end_with_code
    if os.environ.get(NEEDS, versions()) != versions():
        sys.exit(OTHER_VERSIONS)
    end_with_parent()
    parser = argparse.ArgumentParser()
    for name in ("id", "provision_endpoint", "logging_endpoint", "control_endpoint", "artifact_endpoint", "semi_persist_dir"):
        parser.add_argument(f"--{name}", default="")
    given, _ = parser.parse_known_args()
    run_worker(given.id, given.provision_endpoint, given.semi_persist_dir)


def _end_with_code(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> NoReturn:
    traceback.print_exception(kind, error, trace)
    os._exit(NOT_STARTED)


def end_with_parent() -> None:
    """End this process and the processes that it starts when its parent ends, or at SIGTERM.

    They are in one process group. This is safe at any moment: every file of an output folder is published in one step.
    """
    os.setpgid(0, 0)
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_SECONDS)
        end_group()

    signal.signal(signal.SIGTERM, end_group)
    threading.Thread(target=watch, name="watch-parent", daemon=True).start()


def end_group(*_: object) -> NoReturn:
    """End all processes of this process's group, this one included."""
    os.killpg(0, signal.SIGKILL)
    raise SystemExit  # not reached


def run_worker(worker_id: str, provision_endpoint: str, folder: str) -> None:
    """Ask the runner for the options and endpoints of its job (Beam's ProvisionService), and run Beam's worker with them.

    Args:
        worker_id: the id by which the runner knows the worker.
        provision_endpoint: `host:port` of the service.
        folder: for files that the worker may keep between bundles.
    """
    import grpc
    from apache_beam.portability.api import beam_provision_api_pb2 as provision
    from apache_beam.portability.api import beam_provision_api_pb2_grpc as provision_grpc
    from apache_beam.runners.worker import sdk_worker_main
    from apache_beam.runners.worker.worker_id_interceptor import WorkerIdInterceptor
    from google.protobuf import json_format, text_format

    with grpc.insecure_channel(provision_endpoint) as channel:
        service = provision_grpc.ProvisionServiceStub(grpc.intercept_channel(channel, WorkerIdInterceptor(worker_id)))
        info = service.GetProvisionInfo(provision.GetProvisionInfoRequest(), timeout=60).info
    os.environ.update(
        WORKER_ID=worker_id,
        PIPELINE_OPTIONS=json_format.MessageToJson(info.pipeline_options),
        CONTROL_API_SERVICE_DESCRIPTOR=text_format.MessageToString(info.control_endpoint),
        LOGGING_API_SERVICE_DESCRIPTOR=text_format.MessageToString(info.logging_endpoint),
        SEMI_PERSISTENT_DIRECTORY=folder or "/tmp",
        RUNNER_CAPABILITIES=" ".join(info.runner_capabilities),
    )
    sdk_worker_main.main(sys.argv[:1])


if __name__ == "__main__":
    main()
