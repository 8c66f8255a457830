"""Keep workers in this process from printing what they report, or what the command says in a sentence."""

import threading
from collections.abc import Callable

import grpc
from apache_beam.runners.worker import sdk_worker

Hook = Callable[[threading.ExceptHookArgs], object]


def silence_workers() -> None:
    """Let no worker print the traceback that it reports (Beam 2.77): the sentence that a user needs would come after 200 lines.

    Threads of Beam that lose the other end of a connection print a traceback, too; the job then ends with a sentence.
    """
    vars(sdk_worker)["print"] = lambda *_, **__: None
    threading.excepthook = _without_connections(threading.excepthook)


def _without_connections(hook: Hook) -> Hook:
    def show(error: threading.ExceptHookArgs) -> None:
        if not issubclass(error.exc_type, grpc.RpcError):
            hook(error)

    return show
