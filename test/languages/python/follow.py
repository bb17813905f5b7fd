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

from kindly_guard_ipc import Loss, RingReader


def main() -> None:
    directory, most, join, checksums, maps, stays = sys.argv[1:]
    reader = RingReader(
        directory, join=join, checksums=checksums == "yes", maps=maps == "yes"
    )
    generation, expected, _ = reader.position
    expected = 1 if join == "oldest" else expected
    received = lost = before = priority = unknown = 0
    wrong: list[str] = []
    reasons: dict[str, int] = {}
    print(json.dumps({"ready": reader.position}), flush=True)
    while received + lost < int(most) and not wrong:
        writer = reader.writer
        items = reader.wait(timeout=0.05)
        for item in items:
            if item.generation != generation:
                print(json.dumps({"generation": item.generation}), flush=True)
                generation, expected = item.generation, 1
            if isinstance(item, Loss):
                reasons[item.reason] = reasons.get(item.reason, 0) + 1
                first, last, count = item.first, item.last, item.count
                if first is None or last is None or count is None:
                    wrong.append(f"{item}: nobody knows how many")
                    continue
                if first != expected or count != last - first + 1:
                    wrong.append(f"{item} where {expected} was expected")
                expected = last + 1
                if item.reason == "before-join":
                    before += count
                    continue
                lost += count
                if item.priority is None:
                    unknown += 1
                else:
                    priority += item.priority
                continue
            number = item.sequence
            received += 1
            priority += item.has_priority
            has_long = number % 50 == 0
            details = f"details {number}" + (" long" * 100 if has_long else "")
            texts = item.source, item.details, item.threat_type, item.severity_code
            wanted = "writer", details, "PathTraversal", 1 + number % 4
            if number != expected or (texts != wanted and not item.cut):
                wrong.append(f"{number} {texts!r} where {expected} was expected")
            expected = number + 1
        if not items and not reader.more and writer == "gone" and stays == "no":
            # What it published before it died was read by now.
            if not reader.read():
                break
            wrong.append("something came behind the end")
    print(
        json.dumps(
            {
                "received": received,
                "lost": lost,
                "before": before,
                "priority": priority,
                "unknown": unknown,
                "next": expected,
                "reasons": reasons,
                "rescued": reader.rescued,
                "corrupt": reader.corrupt,
                "totals": [reader.received, reader.lost],
                "wrong": wrong[:3],
            }
        ),
        flush=True,
    )
    reader.close()


if __name__ == "__main__":
    main()
