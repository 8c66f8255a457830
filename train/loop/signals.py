"""Stop at SIGTERM and SIGINT after the step in hand, so that a checkpoint can be saved."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class StopRequest:
    """Say whether this process was asked to stop. number: of the signal; 0 if none came."""

    number: int = 0
    raises: bool = False

    def __bool__(self) -> bool:
        return self.number != 0

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Raise InterruptedError in this block when a signal comes, or if one came before: for work that changes nothing."""
        self.raises = True
        try:
            self.raise_if_asked()
            yield
        finally:
            self.raises = False

    def raise_if_asked(self) -> None:
        """Raise InterruptedError if a signal came and this is a block of `at_once`."""
        if self.raises and self.number:
            raise InterruptedError(f"stopped by {signal.Signals(self.number).name}")


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Note SIGTERM, which schedulers send, and SIGINT (Ctrl-C), instead of ending. A second signal ends the process as usual."""
    request = StopRequest()

    def note(number: int, _: FrameType | None) -> None:
        request.number = number
        restore()
        request.raise_if_asked()

    def restore() -> None:
        for each, handler in before.items():
            signal.signal(each, handler)

    if threading.current_thread() is not threading.main_thread():  # only that thread may set handlers
        yield request
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in before:
        signal.signal(number, note)
    try:
        yield request
    finally:
        restore()


def ignore_interrupts(_: int) -> None:
    """Let a worker ignore Ctrl-C, which a terminal sends to all processes: the trainer ends its workers itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
