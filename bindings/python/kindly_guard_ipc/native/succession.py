"""Where a reader stands, and what it has lost of a ring before."""

from __future__ import annotations

from typing import Iterable

from ..cursor import Item, Position
from ..layout import MAX_SEQUENCE
from ..slots import priority_between
from ..threat import Loss
from .figures import RingInfo


def loss_before(info: RingInfo, position: Position) -> Loss | None:
    """What of the ring that `position` is in was lost when this one took its place."""
    generation, next_sequence, priority = position
    last = info.predecessor_sequence
    if info.predecessor_generation != generation or last > MAX_SEQUENCE:
        return Loss(None, None, None, None, generation, "replaced")
    if last < next_sequence:
        return None
    count = last - next_sequence + 1
    lost = priority_between(priority, info.predecessor_priority, count)
    return Loss(count, next_sequence, last, lost, generation, "replaced")


def position_before(items: Iterable[Item]) -> Position | None:
    """Where the first of them begins, of those that a reader would be told again;
    None if there is none."""
    for item in items:
        if not isinstance(item, Loss):
            priority = (item.priority_count - item.has_priority) & 0xFFFFFFFF
            return item.generation, item.sequence, priority
        if item.first is not None and item.reason != "before-join":
            return item.generation, item.first, None
    return None
