"""Follows a ring until MOST events were received or lost, or, unless STAYS, until
its writer is gone and everything was read; checks each event, and prints the
account.

    python3 follow.py DIRECTORY MOST JOIN CHECKSUMS MAPS STAYS

Prints {"ready": …} when it has joined, and a line every time that it was told of
a loss of another ring.
"""

from __future__ import annotations

import json
import sys

from account import Account
from kindly_guard_ipc import RingReader


def main() -> None:
    directory, most, join, checksums, maps, stays = sys.argv[1:]
    reader = RingReader(
        directory, join=join, checksums=checksums == "yes", maps=maps == "yes"
    )
    account = Account(reader.position, join)
    print(json.dumps({"ready": reader.position}), flush=True)
    while account.told < int(most) and not account.wrong:
        writer = reader.writer
        items = reader.wait(timeout=0.05)
        for item in items:
            if item.generation != account.generation:
                print(json.dumps({"generation": item.generation}), flush=True)
            account.take(item)
        if not items and not reader.more and writer == "gone" and stays == "no":
            # What it published before it died was read by now.
            if not reader.read():
                break
            account.wrong.append("something came behind the end")
    print(
        json.dumps(
            {
                "received": account.received,
                "lost": account.lost,
                "before": account.before,
                "priority": account.priority,
                "unknown": account.unknown,
                "next": account.next,
                "reasons": account.reasons,
                "rescued": reader.rescued,
                "corrupt": reader.corrupt,
                "totals": [reader.received, reader.lost],
                "wrong": account.wrong[:3],
            }
        ),
        flush=True,
    )
    reader.close()


if __name__ == "__main__":
    main()
