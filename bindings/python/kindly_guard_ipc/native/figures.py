"""What the library says of itself: its figures, as tuples with names."""

from __future__ import annotations

import os
from typing import NamedTuple

from .structs import (
    UNKNOWN, RawAttachedReader, RawInfo, RawMemory, RawReaderStats, RawWriterStats,
)  # fmt: skip


def known(value: int) -> int | None:
    return None if value == UNKNOWN else value


def hex_of(generation: int) -> str:
    return f"{generation:016x}"


class RingInfo(NamedTuple):
    """What a ring is. A generation is 16 hex digits."""

    path: str
    generation: str
    capacity: int
    priority_events: int
    checksums: bool
    file_bytes: int
    predecessor_generation: str
    predecessor_sequence: int
    predecessor_priority: int | None

    @classmethod
    def of(cls, raw: RawInfo) -> RingInfo:
        return cls(
            os.fsdecode(raw.path),
            hex_of(raw.generation),
            raw.capacity,
            raw.priority_events,
            raw.checksums,
            raw.file_bytes,
            hex_of(raw.predecessor_generation),
            raw.predecessor_sequence,
            known(raw.predecessor_priority),
        )


class RingMemory(NamedTuple):
    """In which pages a ring is, by what the kernel says of what this process has
    mapped of it, and touched so far."""

    #: of a page in the ring's file system
    page_bytes: int
    #: what was touched
    resident_bytes: int
    #: what of that is mapped by huge pages
    huge_bytes: int
    #: how much of it is on which NUMA node, by its number; empty where the kernel
    #: knows none
    nodes: tuple[int, ...]

    @classmethod
    def of(cls, raw: RawMemory) -> RingMemory:
        return cls(raw.page_bytes, raw.resident, raw.huge, tuple(raw.node[: raw.nodes]))


class WriterStats(NamedTuple):
    """`published`, `bytes`, `bells`, `rejected`, `evicted` and `replaced` are of this
    writer, `sequence`, `priority` and `overwritten` of the ring."""

    published: int
    sequence: int
    priority: int
    bytes: int
    bells: int
    overwritten: int
    rejected: int
    evicted: int
    replaced: int
    #: slots that the last refusal asked for
    wanted: int
    #: 0, or the number of the error with which writing fails at present
    refuses: int

    @classmethod
    def of(cls, raw: RawWriterStats) -> WriterStats:
        return cls(*(getattr(raw, name) for name in cls._fields))


class ReaderStats(NamedTuple):
    """`received` and `lost` are what was published since joining."""

    received: int
    lost: int
    #: of those received: they were no more in the ring, but in its lane
    rescued: int
    #: how often something did not validate
    corrupt: int
    bytes: int
    #: the last one received or lost
    sequence: int
    #: the last one in the ring
    published: int
    #: since when the last writer has it, in microseconds since 1970
    writer_start_us: int
    #: whether the writer waits for this reader
    reliable: bool

    @classmethod
    def of(cls, raw: RawReaderStats) -> ReaderStats:
        return cls(*(getattr(raw, name) for name in cls._fields))


class AttachedReader(NamedTuple):
    """A reliable reader as its cell says, which is its own word; whether it is
    `alive` is the kernel's."""

    cell: int
    cursor: int
    lag: int
    evicted: bool
    alive: bool

    @classmethod
    def of(cls, raw: RawAttachedReader) -> AttachedReader:
        return cls(*(getattr(raw, name) for name in cls._fields))
