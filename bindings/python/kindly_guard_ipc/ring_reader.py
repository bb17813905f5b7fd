"""A reader of a ring in pure Python, made from docs/format.md alone.

It polls, since Python cannot sleep on a word of shared memory, and it writes
nothing: no writer waits for it, and none can be harmed by it.
"""

from __future__ import annotations

import platform
import time
from itertools import islice
from typing import Iterator, Union

from .crc32c import slot_checksum
from .errors import RingError, RingTruncated
from .layout import (
    CHECKSUM, CLAIM, COUNT, DETAILS_BYTES, DETAILS_USED, FLAGS, HEAD, LANE_CLAIM,
    LANE_HEAD, LAST_SEQUENCE, MAX_SEQUENCE, MAX_SPAN, PLACE, POSITION, PRIORITY,
    RETIRED, SEQUENCE, SLOT, SLOT_BYTES, SOURCE_BYTES, SOURCE_USED, SPAN, STATE,
    TAIL_BYTES, Slot,
)  # fmt: skip
from .layout import EVENT_BYTES as _BODY_BYTES
from .ring_file import NAME, RingFile, find, has_other_writer
from .threat import Loss, Threat

Item = Union[Threat, Loss]

# Slots that one step copies, and looks at when they tell nothing.
_CHUNK = 512
_SCAN_LIMIT = 16384

_CHECK_SECONDS = 0.2
_TRIES = 16

# Loads keep their order there; elsewhere Python has no fence, and only the
# checksums tell a slot that was overwritten while it was copied.
_IN_ORDER = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")


class RingReader:
    """Reads a ring and those that replace it.

    `join`: "latest", "oldest", or `(generation, next, priority)` as `position`
    gives it. `checksums`: whether slots are held against theirs, which costs most
    of the time; they always are where the processor needs that.
    """

    def __init__(
        self,
        directory: str | None = None,
        name: str = NAME,
        join: str | tuple[str, int, int | None] = "latest",
        checksums: bool = True,
        maps: bool = True,
    ) -> None:
        self._place = directory
        self._name = name
        self._maps = maps
        self._wants_sums = checksums or not _IN_ORDER
        #: events that were delivered, and that were lost
        self.received = 0
        self.lost = 0
        #: of those received: they were no more in the ring, but in its lane
        self.rescued = 0
        #: times that something did not validate
        self.corrupt = 0
        #: whether read() has not looked at all there is
        self.more = False
        self._untold: list[Item] = []
        self._looked = time.monotonic()
        self._attach(find(directory, name, maps))
        if isinstance(join, str):
            self._join(join)
        else:
            self._go_on(*join)

    def __enter__(self) -> RingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def generation(self) -> str:
        return self._generation

    @property
    def position(self) -> tuple[str, int, int | None]:
        """Where another reader goes on: `(generation, next, priority)`."""
        first = self._first
        priority = self._join_priority if self._join_at > self._next else self._priority
        return self._generation, first if self._next else self._joined, priority

    @property
    def writer(self) -> str:
        """live, stalled or gone: the kernel says whether it lives."""
        return self._file.writer()

    # --- What users call -----------------------------------------------------

    def read(self) -> list[Item]:
        """What is there now, in order, some hundred at a time. Never waits, and
        goes over to a ring that replaced this one. RingTruncated when this one
        was cut short and there is no other. Behind an empty list there may be
        more as long as `more` says so: what was looked at told nothing."""
        self.more = False
        if not self._untold:
            try:
                items = self._read()
            except RingTruncated:
                if not self._follow():
                    raise
                items, self._untold = self._untold, []
            now = time.monotonic()
            if items or self.more or now - self._looked < _CHECK_SECONDS:
                return items
            self._looked = now
            if self._has_ended():
                self._follow()
        items, self._untold = self._untold, []
        return items

    def wait(self, timeout: float | None = None, interval: float = 0.002) -> list[Item]:
        """As read(), but looks again every `interval` seconds until there is
        something or `timeout` is over."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            items = self.read()
            if items or (until is not None and time.monotonic() >= until):
                return items
            time.sleep(0 if self.more else interval)

    def __iter__(self) -> Iterator[Item]:
        while True:
            yield from self.wait()

    # --- One ring ------------------------------------------------------------

    def _attach(self, file: RingFile) -> None:
        identity = file.identity
        self._file = file
        self._generation = f"{identity.generation:016x}"
        self._capacity = identity.capacity
        self._quarter = identity.capacity // 4
        self._most_span = min(self._quarter, MAX_SPAN)
        self._sums = identity.checksums and self._wants_sums
        self._set(0, 1)
        self._priority: int | None = 0
        self._join_at = 0
        self._join_priority: int | None = None
        self._joining = False
        self._lane = 0
        self._head = 0
        self._joined = 1
        self._noted: int | None = None

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
            self.corrupt += 1

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

    def _is_valid(self, slot: Slot, data: bytes, at: int, position: int) -> bool:
        """Whether the slot at index `at` of `data` is, at its position."""
        place, span = slot[PLACE], slot[SPAN]
        if (
            slot[POSITION] != position
            or not 1 <= slot[SEQUENCE] <= MAX_SEQUENCE
            or not place < span <= self._most_span
            or 1 + -(-slot[TAIL_BYTES] // _BODY_BYTES) != span
            or slot[SOURCE_USED] > SOURCE_BYTES
            or slot[DETAILS_USED] > DETAILS_BYTES
        ):
            return False
        if not self._sums:
            return True
        raw = data[at * SLOT_BYTES : (at + 1) * SLOT_BYTES]
        # What stands at 380 of a continuation slot is its checksum.
        stored = slot[CHECKSUM] if place == 0 else slot[COUNT]
        return slot_checksum(raw, place == 0) == stored

    def _examine(self, slots: list[Slot], data: bytes, at: int, position: int, head: int) -> int:
        """The span of the event at index `at`; 0 for none, negative for one that
        ends behind what was copied."""
        lead = slots[at]
        span = lead[SPAN]
        if (
            not self._is_valid(lead, data, at, position)
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
                not self._is_valid(slot, data, at + place, position + place)
                or slot[PLACE] != place
                or (slot[SEQUENCE], slot[SPAN], slot[FLAGS], slot[TAIL_BYTES]) != same
            ):
                return 0
        return span

    def _is_plausible(self, sequence: int, position: int) -> bool:
        ahead = sequence - self._next
        return self._next == 0 or 0 <= ahead <= position - self._cursor

    def _lose(self, last: int, reason: str | None, behind: Slot | None) -> list[Item]:
        """Accounts for the events up to `last`, the one before `behind`."""
        if self._joining and last > 0:
            self._joining = False
            count = None if behind is None else _before(behind)
            return [Loss(last, 1, last, count, self._generation, "before-join")]
        self._joining = False
        first = self._first
        if self._next == 0 or last < first:
            return []
        count = last - first + 1
        before = self._join_priority if self._join_at > self._next else self._priority
        priority = None
        if behind is not None and before is not None:
            difference = (_before(behind) - before) & 0xFFFFFFFF
            priority = difference if difference <= count else None
        self.lost += count
        return [Loss(count, first, last, priority, self._generation, reason or "corrupt")]

    def _take(
        self, items: list[Item], slots: list[Slot], data: bytes, at: int,
        position: int, head: int, last: int,
    ) -> int:  # fmt: skip
        """Takes the event at index `at`, which is one, and those that follow it
        without a gap, up to `last`. Returns the index behind them."""
        generation, sums, join = self._generation, self._sums, self._join_at
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
                    or (sums and not self._is_valid(slot, data, at, where))
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
            span = self._examine(slots, data, at, where, head)
            if span <= 0:
                break
            taken = slots[at]
            if expected >= join:
                raw = data[at * SLOT_BYTES : (at + span) * SLOT_BYTES]
                append(Threat(generation, taken, raw if span > 1 else None))
            at += span
            where += span
            expected += 1
        self.received += len(items) - count
        self._next = expected
        self._priority = taken[COUNT]
        return at

    def _read(self) -> list[Item]:
        file = self._file
        file.check_size()
        position, reason = self._scan, self._reason
        chunk, examined = _CHUNK, 0
        while True:
            head = self._head = file.word(HEAD)  # R1
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
            slots = list(SLOT.iter_unpack(data))
            span = 0
            while at < count:
                slot = slots[at]
                span = self._examine(slots, data, at, position + at, head)
                if span != 0 and self._may_come(slot, position + at, span):
                    break
                span = 0
                if (
                    reason != "overwritten"
                    or slot[PLACE] == 0
                    or not self._is_valid(slot, data, at, position + at)
                ):
                    self.corrupt += 1
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
        self.lost -= min(told, self.lost)
        self._priority = None
        self._set(cursor, next_sequence)

    def _start_anew(self, head: int) -> bool:
        """`head` is behind the cursor. When the slot before it tells that it is
        right, goes on there."""
        self._note(head)
        if head == 0 or self._cursor - head < self._capacity:
            return False
        data = self._copy(head - 1, 1)
        last = SLOT.unpack(data)
        if not self._is_valid(last, data, 0, head - 1) or last[PLACE] + 1 != last[SPAN]:
            return False
        is_known = last[SEQUENCE] < self._next <= last[SEQUENCE] + self._capacity
        self._disbelieve(head, self._next if is_known else last[SEQUENCE] + 1)
        return True

    def _finish(self, head: int, reason: str | None) -> list[Item]:
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

    def _rescue(self, last: int, reason: str | None) -> list[Item]:
        """What the lane has of the events up to `last`, and what was lost before
        each of them."""
        items: list[Item] = []
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
            slots = list(SLOT.iter_unpack(data))
            for at, lead in enumerate(slots):
                span = self._examine(slots, data, at, self._lane + at, head)
                if span > 0 and lead[SEQUENCE] >= self._first:
                    break
                if not self._is_valid(lead, data, at, self._lane + at):
                    self.corrupt += 1
            else:
                self._lane += len(slots)
                continue
            if lead[SEQUENCE] > last:
                self._lane += at
                break
            items += self._lose(lead[SEQUENCE] - 1, reason, lead)
            before = self.received
            end = self._take(items, slots, data, at, self._lane, head, last)
            self._lane += end
            self.rescued += self.received - before
        return items

    # --- Where reading begins ------------------------------------------------

    def _join(self, how: str) -> None:
        if how not in ("latest", "oldest"):
            raise ValueError(f"join: 'latest', 'oldest' or a position, not {how!r}")
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
            last = SLOT.unpack(data)
            if self._oldest(head) < head and self._is_valid(last, data, 0, head - 1):
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
        lead = SLOT.unpack(data)
        is_there = (
            self._oldest(head) <= at
            and self._is_valid(lead, data, 0, at)
            and lead[PLACE] == 0
            and lead[SEQUENCE] == last[SEQUENCE]
        )
        return lead[COUNT] if is_there else None

    def _go_on(self, generation: str, next_sequence: int, priority: int | None) -> None:
        """From a position, in this ring or in one before it."""
        if generation == self._generation:
            self._join_at = next_sequence
            self._join_priority = priority
            return
        identity = self._file.identity
        last = identity.predecessor_sequence
        is_known = (
            f"{identity.predecessor_generation:016x}" == generation and last <= MAX_SEQUENCE
        )
        if not is_known:
            self._untold.append(Loss(None, None, None, None, generation, "replaced"))
        elif last >= next_sequence:
            count = last - next_sequence + 1
            behind = identity.predecessor_priority
            difference = None
            if behind is not None and priority is not None:
                difference = (behind - priority) & 0xFFFFFFFF
                difference = difference if difference <= count else None
            self.lost += count
            self._untold.append(
                Loss(count, next_sequence, last, difference, generation, "replaced")
            )

    # --- The ring that takes its place ---------------------------------------

    def _has_ended(self) -> bool:
        file = self._file
        if file.half_word(STATE) == RETIRED or not file.is_named():
            return True
        return (
            self._place is None
            and file.writer() == "gone"
            and has_other_writer(file.directory, self._name)
        )

    def _follow(self) -> bool:
        """Goes over to the ring that has the place, unless there is none, or the
        old one has more. False when there is none."""
        try:
            other = find(self._place, self._name, self._maps)
        except RingError:
            return False
        old = self._file
        if other.identity.generation == old.identity.generation:
            other.close()
            return False
        try:
            old.check_size()
            if old.word(HEAD) != self._head:
                other.close()
                self.more = True
                return True
        except RingTruncated:
            pass
        position = self.position
        old.close()
        self._attach(other)
        self._go_on(*position)
        self.more = True
        return True


def _before(lead: Slot) -> int:
    """The priority events before this one."""
    return (lead[COUNT] - (1 if lead[FLAGS] & PRIORITY else 0)) & 0xFFFFFFFF
