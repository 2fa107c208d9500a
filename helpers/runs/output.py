"""A program that runs for hours outlives the terminal, the pipe and the shell that it was started from."""
import io
import logging
import os
import signal
import sys
from typing import Any, Callable

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # where there is no log, not to the stream that is lost


def lose(number: int) -> None:
    """Let what goes to a stream of the system, such as 1, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


class _Lasting(io.FileIO):
    """A stream of the system: what nobody reads any more, or finds room for, goes to another, at last nowhere."""

    def __init__(self, number: int, *others: int):
        super().__init__(number, "w", closefd=False)
        self._others = list(others)

    def write(self, data: Any) -> int:
        while True:
            try:
                return super().write(data)
            except OSError as error:
                self._go_elsewhere(error.strerror)

    def _go_elsewhere(self, why: str) -> None:
        log.warning("nobody reads stream %d any more (%s)", self.fileno(), why)
        if self._others:
            os.dup2(self._others.pop(), self.fileno())
            self.write(f"\nNobody reads standard output any more ({why}): what would be shown there follows here.\n"
                       .encode())
        else:
            lose(self.fileno())


def outlive_readers() -> None:
    """Let this process go on when its output can't be written any more, because its reader ended or a disk is full.

    What goes to standard output goes to standard error from then on; where that is lost too, nowhere.
    """
    for name, *numbers in (("stdout", 1, 2), ("stderr", 2)):
        before = getattr(sys, name)
        if before is None:  # closed from the beginning
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
            continue
        before.flush()
        setattr(sys, name, io.TextIOWrapper(io.BufferedWriter(_Lasting(*numbers)), before.encoding, before.errors,
                                            line_buffering=before.isatty() or name == "stderr"))


def when_asked_to_end(act: Callable[[], Any]) -> None:
    """Call `act` once, at SIGTERM (a computer that shuts down) or SIGHUP (a terminal that is closed); nohup keeps it.

    Once, because some say it twice.
    """
    asked = [number for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
             if signal.getsignal(number) is not signal.SIG_IGN]

    def handle(*_: Any) -> None:
        for number in asked:
            signal.signal(number, signal.SIG_IGN)
        act()

    for number in asked:
        signal.signal(number, handle)
