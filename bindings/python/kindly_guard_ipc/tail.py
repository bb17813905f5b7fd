"""Prints what a ring holds, one JSON object for each line.

    python3 -m kindly_guard_ipc.tail DIRECTORY oldest
    python3 -m kindly_guard_ipc.tail DIRECTORY latest
    python3 -m kindly_guard_ipc.tail DIRECTORY after GENERATION SEQUENCE PRIORITY

`PRIORITY` is `null` when it is not known. Ends when everything was read.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from .cursor import Item, Position
from .ring_reader import RingReader
from .threat import SEVERITIES, TYPES, Loss


def as_json(item: Item) -> dict[str, Any]:
    """An item with the names that JavaScript has for its fields."""
    if isinstance(item, Loss):
        return {
            "lost": {
                "count": item.count,
                "from": item.first,
                "to": item.last,
                "priority": item.priority,
                "generation": item.generation,
                "reason": item.reason,
            }
        }
    threat: dict[str, Any] = {
        "sequence": item.sequence,
        "id": item.id,
        "timestampUs": item.timestamp_us,
        "threatType": item.threat_type,
        "severity": item.severity,
        "source": item.source,
        "details": item.details,
        "blocked": item.blocked,
    }
    if item.threat_type_code >= len(TYPES):
        threat["threatTypeCode"] = item.threat_type_code
    if not 0 < item.severity_code < len(SEVERITIES):
        threat["severityCode"] = item.severity_code
    if item.has_context:
        threat["context"] = item.context
    if item.cut:
        threat["cut"] = True
    return {"threat": threat}


def main(words: list[str]) -> int:
    if len(words) not in (2, 5):
        print(__doc__, file=sys.stderr)
        return 2
    directory, how, *rest = words
    join: str | Position = how
    if rest:
        generation, sequence, priority = rest
        join = generation, int(sequence) + 1, None if priority == "null" else int(priority)
    with RingReader(directory, join=join) as reader:
        while True:
            items = reader.read()
            for item in items:
                print(json.dumps(as_json(item)))
            if not items and not reader.more:
                break
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
