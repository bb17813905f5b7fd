"""Threats from a Shield, out of shared memory: a reader in pure Python."""

from .cursor import Item, Position
from .errors import (
    NoRing,
    RingError,
    RingInvalid,
    RingTruncated,
    RingVersion,
    UnsafePath,
)
from .ring_reader import RingReader
from .threat import Loss, Threat

__all__ = [
    "Item",
    "Loss",
    "NoRing",
    "Position",
    "RingError",
    "RingInvalid",
    "RingReader",
    "RingTruncated",
    "RingVersion",
    "Threat",
    "UnsafePath",
]
