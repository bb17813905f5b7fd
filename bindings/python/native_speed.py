"""What both ends over the library cost, in a ring of 65,536 slots in DIRECTORY.

    python3 native_speed.py DIRECTORY
"""

from __future__ import annotations

import sys
import time
from typing import Callable

from kindly_guard_ipc.native import NewThreat, SharedMemoryIpc, ShmClient

_EVENTS = 60_000
_BATCH = 64
_IDLE_SECONDS = 5.0


def spent(action: Callable[[], object]) -> float:
    begin = time.process_time()
    action()
    return time.process_time() - begin


def main() -> None:
    threat = NewThreat("PathTraversal", "High", "mcp", "../../etc/passwd", True)
    directory = sys.argv[1]
    with SharedMemoryIpc(directory, max_events=65536) as writer, ShmClient(directory) as client:

        def one_by_one() -> None:
            for _ in range(_EVENTS):
                writer.write_threat(threat)

        def in_batches() -> None:
            for _ in range(_EVENTS // _BATCH):
                writer.write_threats([threat] * _BATCH)

        def read() -> None:
            while client.read() or client.more:
                pass

        for name, action in (
            ("written one by one", one_by_one),
            ("read", read),
            (f"written in batches of {_BATCH}", in_batches),
            ("read", read),
        ):
            rate = int(_EVENTS / spent(action))
            print(f"{name:26}  {rate:>9,} events for each second of CPU time")
        idle = spent(lambda: client.wait(_IDLE_SECONDS))
        print(f"{'idle':26}  {100 * idle / _IDLE_SECONDS:.2f} % of a CPU")


if __name__ == "__main__":
    main()
