"""Both ends over libkindly_guard_ipc, the library of `make -C native install`, by
ctypes alone: a writer, and a reader that sleeps and that a writer can wait for."""

from ..cursor import Item, Position
from ..errors import (
    Closed,
    Forked,
    InvalidOption,
    InvalidThreat,
    LibraryMissing,
    NoHugePages,
    NoNumaNode,
    NoRing,
    RingError,
    RingFull,
    RingInvalid,
    RingLocked,
    RingTruncated,
    RingVersion,
    UnsafePath,
)
from ..threat import Loss, Threat
from .client import ShmClient
from .figures import AttachedReader, ReaderStats, RingInfo, RingMemory, WriterStats
from .library import Library, load
from .new_threat import NewThreat
from .writer import SharedMemoryIpc

__all__ = [
    "AttachedReader",
    "Closed",
    "Forked",
    "InvalidOption",
    "InvalidThreat",
    "Item",
    "Library",
    "LibraryMissing",
    "Loss",
    "NewThreat",
    "NoHugePages",
    "NoNumaNode",
    "NoRing",
    "Position",
    "ReaderStats",
    "RingError",
    "RingFull",
    "RingInfo",
    "RingInvalid",
    "RingLocked",
    "RingMemory",
    "RingTruncated",
    "RingVersion",
    "SharedMemoryIpc",
    "ShmClient",
    "Threat",
    "UnsafePath",
    "WriterStats",
    "load",
]
