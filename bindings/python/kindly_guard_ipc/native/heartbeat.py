"""A thread that calls a writer's beat() twice a second, as long as there is one."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol

from ..errors import RingError

_SECONDS = 0.5


class Beating(Protocol):
    @property
    def closed(self) -> bool: ...

    def beat(self) -> None: ...


class Heartbeat:
    """Does not keep its writer, nor the process."""

    def __init__(self, writer: Beating) -> None:
        self._writer = weakref.ref(writer)
        self._ends = threading.Event()
        self._pid = os.getpid()
        thread = threading.Thread(target=self._run, name="kindly-guard-beat", daemon=True)
        thread.start()

    def stop(self) -> None:
        # A child has no such thread, and may have its lock for ever.
        if os.getpid() == self._pid:
            self._ends.set()

    def _run(self) -> None:
        while not self._ends.wait(_SECONDS):
            writer = self._writer()
            if writer is None or writer.closed:
                return
            try:
                writer.beat()
            except RingError:
                # It is told to who writes, and the next beat may mend it.
                pass
            del writer
