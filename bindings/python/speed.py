"""How many events the reader takes in a second of CPU time out of a full ring in
DIRECTORY, with checksums and without.

    python3 speed.py DIRECTORY
"""

from __future__ import annotations

import sys
import time

from kindly_guard_ipc import RingReader

_SECONDS = 2.0


def rate(directory: str, checksums: bool, maps: bool) -> int:
    events = 0
    spent = 0.0
    while spent < _SECONDS:
        with RingReader(directory, join="oldest", checksums=checksums, maps=maps) as reader:
            begin = time.process_time()
            while reader.read() or reader.more:
                pass
            spent += time.process_time() - begin
            events += reader.received
    return int(events / spent)


def main() -> None:
    directory = sys.argv[1]
    for checksums in (False, True):
        for maps in (True, False):
            print(
                f"checksums {'on' if checksums else 'off':3}  "
                f"{'mmap ' if maps else 'pread'}  "
                f"{rate(directory, checksums, maps):>9,} events/s"
            )


if __name__ == "__main__":
    main()
