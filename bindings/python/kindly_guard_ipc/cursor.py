"""A cursor in one ring: reads it, accounts for what is missing, and knows where it
stands. docs/format.md says why each step is as it is."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import List, Optional, Tuple, Union

from .layout import (
    CLAIM, COUNT, HEAD, LANE_CLAIM, LANE_HEAD, LAST_SEQUENCE, MAX_SEQUENCE, PLACE,
    SEQUENCE, SLOT_BYTES, SPAN, Slot, unpack,
)  # fmt: skip
from .ring_file import RingFile
from .slots import Validator, priority_before, priority_between
from .threat import Loss, Threat

Item = Union[Threat, Loss]
Items = List[Item]
Position = Tuple[str, int, Optional[int]]

# Slots that one step copies, and looks at when they tell nothing.
_CHUNK = 512
_SCAN_LIMIT = 16384

_TRIES = 16


@dataclass
class Totals:
    """What a reader got, of all its rings."""

    received: int = 0
    lost: int = 0
    rescued: int = 0
    corrupt: int = 0


class RingCursor:
    """Where a reader stands in a ring."""

    def __init__(self, file: RingFile, totals: Totals, checks_sums: bool) -> None:
        identity = file.identity
        self._file = file
        self._totals = totals
        #: the ring's, as 16 hex digits
        self.generation = f"{identity.generation:016x}"
        #: the head that was seen last
        self.head = 0
        #: whether read() has not looked at all there is
        self.more = False
        self._capacity = identity.capacity
        self._quarter = identity.capacity // 4
        self._slots = Validator(identity.capacity, identity.checksums and checks_sums)
        self._set(0, 1)
        self._priority: int | None = 0
        self._join_at = 0
        self._join_priority: int | None = None
        self._joining = False
        self._joined = 1
        self._lane = 0
        self._noted: int | None = None

    @property
    def position(self) -> Position:
        """Behind what was delivered or lost: `(generation, next, priority)`."""
        priority = self._join_priority if self._join_at > self._next else self._priority
        first = self._first if self._next else self._joined
        return self.generation, first, priority

    def _set(self, cursor: int, next_sequence: int) -> None:
        self._cursor = cursor
        self._next = next_sequence
        self._scan = cursor
        self._reason: str | None = None

    @property
    def _first(self) -> int:
        return max(self._next, self._join_at)

    def _note(self, value: int) -> None:
        if value != self._noted:
            self._noted = value
            self._totals.corrupt += 1

    def _copy(self, position: int, count: int) -> bytes:
        """R2: slots of the ring."""
        at = position & (self._capacity - 1)
        offset = self._file.identity.slots_offset
        behind = min(count, self._capacity - at)
        data = self._file.copy(offset + at * SLOT_BYTES, behind * SLOT_BYTES)
        if behind < count:
            data += self._file.copy(offset, (count - behind) * SLOT_BYTES)
        return data

    def _oldest(self, head: int) -> int:
        """R3 to R5: the oldest position that was not overwritten meanwhile."""
        claim = self._file.word(CLAIM)
        if claim < head or claim - head > self._quarter:
            now = self._file.word(HEAD)
            if claim < head or (claim > now and claim - now > self._quarter):
                self._note(claim)
                claim = now
        return max(0, claim - self._capacity)

    def _is_plausible(self, sequence: int, position: int) -> bool:
        ahead = sequence - self._next
        return self._next == 0 or 0 <= ahead <= position - self._cursor

    def _lose(self, last: int, reason: str | None, behind: Slot | None) -> Items:
        """Accounts for the events up to `last`, the one before `behind`."""
        if self._joining and last > 0:
            self._joining = False
            count = None if behind is None else priority_before(behind)
            return [Loss(last, 1, last, count, self.generation, "before-join")]
        self._joining = False
        first = self._first
        if self._next == 0 or last < first:
            return []
        count = last - first + 1
        before = self._join_priority if self._join_at > self._next else self._priority
        priority = priority_between(before, None if behind is None else priority_before(behind), count)
        self._totals.lost += count
        return [Loss(count, first, last, priority, self.generation, reason or "corrupt")]

    def _take(
        self, items: Items, slots: list[Slot], data: bytes, at: int,
        position: int, head: int, last: int,
    ) -> int:  # fmt: skip
        """Takes the event at index `at`, which is one, and those that follow it
        without a gap, up to `last`. Returns the index behind them."""
        generation, sums, join = self.generation, self._slots.sums, self._join_at
        expected = slots[at][SEQUENCE]
        count = len(items)
        append = items.append
        taken = slots[at]
        where = position + at
        while expected <= last and at < len(slots):
            # Most events take one slot, and are looked at in place.
            for slot in islice(slots, at, None):
                if (
                    slot[0] != where
                    or slot[1] != expected
                    or slot[3] != 1
                    or slot[4] != 0
                    or slot[5] > 64
                    or slot[6] > 256
                    or slot[8] != 0
                    or expected > last
                    or (sums and not self._slots.is_valid(slot, data, at, where))
                ):
                    break
                taken = slot
                if expected >= join:
                    append(Threat(generation, slot))
                at += 1
                where += 1
                expected += 1
            if at == len(slots) or expected > last or slots[at][SEQUENCE] != expected:
                break
            span = self._slots.examine(slots, data, at, where, head)
            if span <= 0:
                break
            taken = slots[at]
            if expected >= join:
                raw = data[at * SLOT_BYTES : (at + span) * SLOT_BYTES]
                append(Threat(generation, taken, raw if span > 1 else None))
            at += span
            where += span
            expected += 1
        self._totals.received += len(items) - count
        self._next = expected
        self._priority = taken[COUNT]
        return at

    def read(self) -> Items:
        """What is there now: some hundred items at a time."""
        file = self._file
        file.check_size()
        self.more = False
        position, reason = self._scan, self._reason
        chunk, examined = _CHUNK, 0
        while True:
            head = self.head = file.word(HEAD)  # R1
            if head < position:
                position, reason = self._cursor, None
                self._set(position, self._next)
                if head < position and not self._start_anew(head):
                    return []
                position = self._cursor
            if head == position:
                return self._finish(head, reason)
            if head - position > self._capacity:
                position, reason = head - self._capacity, "overwritten"
            count = min(head - position, chunk)
            data = self._copy(position, count)
            oldest = self._oldest(head)
            at = 0
            if oldest > position:
                reason, at = "overwritten", min(oldest - position, count)
            slots = unpack(data)
            span = 0
            while at < count:
                slot = slots[at]
                span = self._slots.examine(slots, data, at, position + at, head)
                if span != 0 and self._may_come(slot, position + at, span):
                    break
                span = 0
                if (
                    reason != "overwritten"
                    or slot[PLACE] == 0
                    or not self._slots.is_valid(slot, data, at, position + at)
                ):
                    self._totals.corrupt += 1
                    reason = "corrupt"
                at += 1
            examined += count
            # What was looked at so far is not looked at again.
            if position + at > self._scan:
                self._scan, self._reason = position + at, reason
            if span > 0:
                lead = slots[at]
                items = self._rescue(lead[SEQUENCE] - 1, reason)
                items += self._lose(lead[SEQUENCE] - 1, reason, lead)
                end = self._take(items, slots, data, at, position, head, MAX_SEQUENCE)
                self._set(position + end, self._next)
                if items:
                    return items
                # All of it lies before `join`.
            elif span < 0 and at == 0:
                chunk = -span
            if examined >= _SCAN_LIMIT:
                self.more = True
                return []
            position, reason = self._scan, self._reason

    def _may_come(self, slot: Slot, position: int, span: int) -> bool:
        sequence = slot[SEQUENCE]
        if self._is_plausible(sequence, position):
            return True
        is_known = sequence < self._next and self._next - sequence <= self._capacity
        if (
            span < 0
            or position - self._cursor < self._capacity
            or is_known
            or sequence > position + 1
        ):
            return False
        # A whole ring went by without one that can follow: what was believed of
        # the stream was forged.
        if sequence < self._next:
            self._disbelieve(position, sequence)
        self._priority = None
        return True

    def _disbelieve(self, cursor: int, next_sequence: int) -> None:
        told = max(0, self._next - next_sequence)
        self._totals.lost -= min(told, self._totals.lost)
        self._priority = None
        self._set(cursor, next_sequence)

    def _start_anew(self, head: int) -> bool:
        """`head` is behind the cursor. When the slot before it tells that it is
        right, goes on there."""
        self._note(head)
        if head == 0 or self._cursor - head < self._capacity:
            return False
        data = self._copy(head - 1, 1)
        last = unpack(data)[0]
        if not self._slots.is_valid(last, data, 0, head - 1) or last[PLACE] + 1 != last[SPAN]:
            return False
        is_known = last[SEQUENCE] < self._next <= last[SEQUENCE] + self._capacity
        self._disbelieve(head, self._next if is_known else last[SEQUENCE] + 1)
        return True

    def _finish(self, head: int, reason: str | None) -> Items:
        """Everything up to `head` was looked at. What did not validate is counted
        once the last sequence is known to belong to this head."""
        if self._cursor == head:
            return []
        last = self._file.word(LAST_SEQUENCE)
        settled = self._file.word(CLAIM) == head and last <= MAX_SEQUENCE
        if self._next == 0 or (settled and last + 1 == self._next):
            self._set(head, self._next)
        elif settled and 0 <= last - self._next < head - self._cursor:
            items = self._rescue(last, reason)
            items += self._lose(last, reason, None)
            self._priority = self._join_priority if self._join_at == last + 1 else None
            self._set(head, last + 1)
            return items
        else:
            self._note(head)
            self._scan, self._reason = head, reason
        return []

    # --- The lane ------------------------------------------------------------

    def _lane_slots(self, count: int) -> tuple[bytes, bool]:
        """Copies from where the search stands; False when the first of it was
        overwritten meanwhile, and the search stands behind that."""
        identity = self._file.identity
        at = self._lane & (identity.lane - 1)
        offset = identity.lane_offset
        behind = min(count, identity.lane - at)
        data = self._file.copy(offset + at * SLOT_BYTES, behind * SLOT_BYTES)
        if behind < count:
            data += self._file.copy(offset, (count - behind) * SLOT_BYTES)
        oldest = max(0, self._file.word(LANE_CLAIM) - identity.lane)
        is_whole = oldest <= self._lane
        self._lane = max(self._lane, oldest)
        return data, is_whole

    def _rescue(self, last: int, reason: str | None) -> Items:
        """What the lane has of the events up to `last`, and what was lost before
        each of them."""
        items: Items = []
        lane = self._file.identity.lane
        if lane == 0 or self._next == 0 or last < self._first:
            return items
        head = self._file.word(LANE_HEAD)
        if self._lane > head:
            self._lane = 0
        self._lane = max(self._lane, head - lane)
        while self._lane < head and self._first <= last:
            data, is_whole = self._lane_slots(min(head - self._lane, lane))
            if not is_whole:
                continue
            slots = unpack(data)
            for at, lead in enumerate(slots):
                span = self._slots.examine(slots, data, at, self._lane + at, head)
                if span > 0 and lead[SEQUENCE] >= self._first:
                    break
                if not self._slots.is_valid(lead, data, at, self._lane + at):
                    self._totals.corrupt += 1
            else:
                self._lane += len(slots)
                continue
            if lead[SEQUENCE] > last:
                self._lane += at
                break
            items += self._lose(lead[SEQUENCE] - 1, reason, lead)
            before = self._totals.received
            end = self._take(items, slots, data, at, self._lane, head, last)
            self._lane += end
            self._totals.rescued += self._totals.received - before
        return items

    # --- Where reading begins ------------------------------------------------

    def join(self, how: str) -> None:
        """Stands at the `latest` or the `oldest` event."""
        self._file.check_size()
        self._joined = min(self._file.word(LAST_SEQUENCE), MAX_SEQUENCE) + 1
        head = self._file.word(HEAD)
        if how == "oldest":
            if head > self._capacity:
                self._set(head - self._capacity, 0)
                self._joining = True
                self._priority = None
            return
        for _ in range(_TRIES):
            head = self._file.word(HEAD)
            if head == 0:
                return
            data = self._copy(head - 1, 1)
            last = unpack(data)[0]
            if self._oldest(head) < head and self._slots.is_valid(last, data, 0, head - 1):
                self._set(head, last[SEQUENCE] + 1)
                self._priority = self._count_at(head, last)
                return
        self._set(head, 0)
        self._priority = None

    def _count_at(self, head: int, last: Slot) -> int | None:
        at = head - 1 - last[PLACE]
        if at < 0:
            return None
        data = self._copy(at, 1)
        lead = unpack(data)[0]
        is_there = (
            self._oldest(head) <= at
            and self._slots.is_valid(lead, data, 0, at)
            and lead[PLACE] == 0
            and lead[SEQUENCE] == last[SEQUENCE]
        )
        return lead[COUNT] if is_there else None

    def go_to(self, next_sequence: int, priority: int | None) -> None:
        """From this sequence on; what of it is gone is lost."""
        self._join_at = next_sequence
        self._join_priority = priority
