"""Let a build by processes of this machine fail when one of them is killed; with Beam alone (2.77) it would wait for ever."""

from __future__ import annotations

import threading
from typing import Any

from apache_beam.portability import python_urns
from apache_beam.runners.portability.fn_api_runner.worker_handlers import SubprocessSdkWorkerHandler, WorkerHandler
from apache_beam.runners.portability.local_job_service import SubprocessSdkWorker

KILLED = "a worker process was killed, perhaps for want of memory: run the same command again, it continues; fewer --workers need less"


@WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)
class WatchedProcess(SubprocessSdkWorkerHandler):
    """A worker process whose end fails the work that it was given, and all that it would be given."""

    def start_worker(self) -> None:
        """Start the process, and a thread that waits for its end."""
        self.worker = SubprocessSdkWorker(self._worker_command_line, self.control_address, self.provision_info, self.worker_id)
        self.worker_thread = threading.Thread(name="run_worker", target=self._run)
        self.worker_thread.start()

    def _run(self) -> None:
        try:
            self.worker.run()
        except RuntimeError:  # Beam's word for another exit code than 0
            connection = self.control_conn
            push = connection.push

            def push_and_fail(request: Any) -> Any:
                future = push(request)
                if future is not None:
                    future.abort(RuntimeError(KILLED))
                return future

            vars(connection)["push"] = push_and_fail
            connection.abort(RuntimeError(KILLED))
