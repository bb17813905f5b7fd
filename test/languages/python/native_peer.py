"""A writer or a reader over the library, for tests: prints lines of JSON.

    native_peer.py write DIR COUNT overwrite|reject    numbered threats
    native_peer.py follow DIR MOST latest|oldest RELIABLE STAYS
        checks and counts until MOST were received or lost, or, unless STAYS, until
        the writer is gone and everything was read
    native_peer.py texts DIR      writes what test/languages/peers.js lists
    native_peer.py print DIR      prints what is there
    native_peer.py long DIR       writes what is worth deflating
"""

from __future__ import annotations

import json
import sys
from typing import Any

from account import Account, texts
from kindly_guard_ipc.native import (
    Loss,
    NewThreat,
    RingFull,
    SharedMemoryIpc,
    ShmClient,
)


def say(**line: Any) -> None:
    print(json.dumps(line), flush=True)


def numbered(number: int) -> NewThreat:
    source, details = texts(number)
    return NewThreat("PathTraversal", 1 + number % 4, source, details)


def writer_of(directory: str, **options: Any) -> SharedMemoryIpc:
    return SharedMemoryIpc(directory, max_events=256, priority_events=16, **options)


def write(directory: str, count: str, overflow: str) -> None:
    with writer_of(directory, overflow=overflow, reader_timeout_ms=60_000) as writer:
        number = writer.stats().sequence
        say(ready=number)
        batch: list[NewThreat] = []
        for at in range(1, int(count) + 1):
            number += 1
            batch.append(numbered(number))
            # Alone and in batches.
            if at % 8 and at % 100 < 50 and at != int(count):
                continue
            while True:
                try:
                    if len(batch) == 1:
                        written = writer.write_threat(batch[0])
                    else:
                        written = writer.write_threats(batch)
                    break
                except RingFull:
                    writer.wait_for_space(1)
            assert written == number, (written, number)
            batch = []
        stats = writer.stats()
        say(published=stats.sequence, rejected=stats.rejected)


def follow(directory: str, most: str, join: str, reliable: str, stays: str) -> None:
    with ShmClient(directory, join=join, reliable=reliable == "yes") as client:
        account = Account(client.position, join)
        say(ready=account.next)
        while account.told < int(most) and not account.wrong:
            writer = client.writer
            items = client.wait(0.05)
            for item in items:
                account.take(item)
            if not items and not client.more and writer == "gone" and stays == "no":
                break
        stats = client.stats()
    say(
        received=account.received,
        lost=account.lost,
        before=account.before,
        next=account.next,
        corrupt=stats.corrupt,
        totals=[stats.received, stats.lost],
        reasons=account.reasons,
        wrong="; ".join(account.wrong[:3]),
    )


def write_texts(directory: str) -> None:
    context = {"score": 0.97, "rule": "prompt-injection"}
    with writer_of(directory) as writer:
        for threat in (
            NewThreat("UnicodeBiDi", "Critical", "", ""),
            NewThreat(77, 9, "a\0b\0", "忽略之前的指示 🧨 é", True, "own-ü", context, 5),
            NewThreat("SuspiciousPattern", "Low", "s" * 65, "ü" * 200),
            NewThreat("InjectionAttempt", "Low", "", "x忽" * 3000),
        ):
            writer.write_threat(threat)


def write_long(directory: str) -> None:
    with SharedMemoryIpc(directory, max_events=4096) as writer:
        writer.write_threat(NewThreat(1, 1, "", "x忽" * 50_000))
        say(bytes=writer.stats().bytes)


def print_all(directory: str) -> None:
    with ShmClient(directory, join="oldest") as client:
        for item in iter(lambda: client.read(), []):
            for one in item:
                assert not isinstance(one, Loss), one
                is_own = one.id != f"{one.generation}-{one.sequence}"
                say(
                    sequence=one.sequence,
                    timestampUs=one.timestamp_us,
                    threatType=one.threat_type_code,
                    severity=one.severity_code,
                    blocked=one.blocked,
                    source=one.source,
                    details=one.details,
                    id=one.id if is_own else "",
                    context=one.context,
                    cut=one.cut,
                )


if __name__ == "__main__":
    ways = {"write": write, "follow": follow, "texts": write_texts, "print": print_all}
    ways["long"] = write_long
    ways[sys.argv[1]](*sys.argv[2:])
