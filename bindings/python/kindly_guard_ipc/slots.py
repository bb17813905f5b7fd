"""What a valid slot is, and a valid event."""

from __future__ import annotations

from .crc32c import slot_checksum
from .layout import (
    CHECKSUM, COUNT, DETAILS_BYTES, DETAILS_USED, EVENT_BYTES, FLAGS, MAX_SEQUENCE,
    MAX_SPAN, PLACE, POSITION, PRIORITY, SEQUENCE, SLOT_BYTES, SOURCE_BYTES,
    SOURCE_USED, SPAN, TAIL_BYTES, Slot,
)  # fmt: skip


class Validator:
    """Judges private copies of the slots of one ring."""

    def __init__(self, capacity: int, sums: bool) -> None:
        #: whether checksums are looked at
        self.sums = sums
        self._most_span = min(capacity // 4, MAX_SPAN)

    def is_valid(self, slot: Slot, data: bytes, at: int, position: int) -> bool:
        """Whether the slot at index `at` of `data` is, at its position."""
        place, span = slot[PLACE], slot[SPAN]
        if (
            slot[POSITION] != position
            or not 1 <= slot[SEQUENCE] <= MAX_SEQUENCE
            or not place < span <= self._most_span
            or 1 + -(-slot[TAIL_BYTES] // EVENT_BYTES) != span
            or slot[SOURCE_USED] > SOURCE_BYTES
            or slot[DETAILS_USED] > DETAILS_BYTES
        ):
            return False
        if not self.sums:
            return True
        raw = data[at * SLOT_BYTES : (at + 1) * SLOT_BYTES]
        # What stands at 380 of a continuation slot is its checksum.
        stored = slot[CHECKSUM] if place == 0 else slot[COUNT]
        return slot_checksum(raw, place == 0) == stored

    def examine(self, slots: list[Slot], data: bytes, at: int, position: int, head: int) -> int:
        """The span of the event at index `at`; 0 for none, negative for one that
        ends behind what was copied."""
        lead = slots[at]
        span = lead[SPAN]
        if (
            not self.is_valid(lead, data, at, position)
            or lead[PLACE] != 0
            or span > head - position
        ):
            return 0
        if span > len(slots) - at:
            return -span
        same = (lead[SEQUENCE], span, lead[FLAGS], lead[TAIL_BYTES])
        for place in range(1, span):
            slot = slots[at + place]
            if (
                not self.is_valid(slot, data, at + place, position + place)
                or slot[PLACE] != place
                or (slot[SEQUENCE], slot[SPAN], slot[FLAGS], slot[TAIL_BYTES]) != same
            ):
                return 0
        return span


def priority_before(lead: Slot) -> int:
    """The priority events before this one."""
    return (lead[COUNT] - (1 if lead[FLAGS] & PRIORITY else 0)) & 0xFFFFFFFF


def priority_between(before: int | None, behind: int | None, count: int) -> int | None:
    """How many of `count` events had priority, of which so many are before them and
    up to the last of them."""
    if before is None or behind is None:
        return None
    priority = (behind - before) & 0xFFFFFFFF
    return priority if priority <= count else None
