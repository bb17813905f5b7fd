"""The reading end."""

from __future__ import annotations

import struct
import time
import weakref
from collections import deque
from ctypes import addressof, byref, c_int, c_uint64, c_void_p, string_at
from typing import Callable, Deque, Optional

from ..cursor import Item, Items, Position
from ..errors import Closed, InvalidOption, RingTruncated, RingVersion
from ..layout import MAGIC, MAX_SEQUENCE, SLOT_BYTES, SPAN, VERSION, unpack
from ..threat import Loss, Threat
from .figures import ReaderStats, RingInfo, RingMemory, known
from .handle import Handle, Turn
from .library import Library, load
from .options import Path, make_options
from .structs import (
    BATCH_DIVISOR, FROM_SEQUENCE, LATEST, LIVES, MAX_SPAN, OLDEST, REASONS,
    RING_INVALID, RING_TRUNCATED, UNKNOWN, Batch, Failure, RawInfo, RawReaderStats,
)  # fmt: skip
from .succession import loss_before, position_before

# Slots that one read takes, unless an event has more.
_SLOTS = 512

# How long one call sleeps: between two, Python sees signals, and the ring is
# looked at, whose writer may be gone.
_TURN_MS = 200
# Where there is none to sleep on, how long until the next look for one.
_NO_RING_SECONDS = 0.05

_WORD_BYTES = 8


def _check_layout(path: str) -> None:
    """The library copies slots and this package takes them apart: both have to know
    the same ones. Where the file is gone already, or none, nothing is said."""
    try:
        with open(path, "rb") as file:
            magic, version = struct.unpack("<II", file.read(8))
    except (OSError, struct.error):
        return
    if magic == MAGIC and version != VERSION:
        raise RingVersion(
            f"The library reads layout {version}, this Python package {VERSION}: install "
            "the Python package of the library's version."
        )


class ShmClient:
    """Reads a ring and those that take its place. It sleeps until it is woken.

    `join`: "latest", "oldest", or `(generation, next, priority)` as `position` gives
    it. `reliable`: a writer with `overflow="reject"` waits for this reader.
    `huge_pages`: "require" is NoHugePages unless the ring is in such pages, "off"
    advises small ones. `library`: the file of the library, see load(). One thread reads
    at a time; any thread may close it, which ends the wait of another.
    """

    def __init__(
        self,
        directory: Path | None = None,
        name: str | None = None,
        *,
        join: str | Position = "latest",
        reliable: bool = False,
        huge_pages: str = "auto",
        library: Path | None = None,
    ) -> None:
        if isinstance(join, str) and join not in ("latest", "oldest"):
            raise InvalidOption(f"join: 'latest', 'oldest' or a position, not {join!r:.100}")
        options = make_options(directory, name, reliable=bool(reliable), huge_pages=huge_pages)
        self._library: Library = load(library)
        pointer, failure = c_void_p(), Failure()
        result = self._library.reader_open(byref(options), byref(pointer), byref(failure))
        if result < 0:
            raise self._library.error(result, failure)
        self._handle = Handle(
            pointer,
            self._library.reader_close,
            self._library.reader_interrupt,
            self._library.reader_adopt,
        )
        self._finalizer = weakref.finalize(self, self._handle.close)
        # A reader of the library's belongs to one thread at a time.
        self._turn = Turn()
        #: whether read() has not looked at all there is
        self.more = False
        #: events by the reason for which they were lost; those before-join are
        #: outside the account
        self.losses: dict[str, int] = {}
        self._untold: Deque[Item] = deque()
        # What was read and not yet taken apart: an exception of a signal's handler
        # may come at any time.
        self._batch = Batch()
        self._checked_at = time.monotonic()
        try:
            self._attach()
            _check_layout(self.info().path)
            self._join(join)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ShmClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._handle.close()
        self._finalizer.detach()

    @property
    def closed(self) -> bool:
        return self._handle.closed

    # --- Figures -------------------------------------------------------------

    @property
    def generation(self) -> str:
        """The present ring's, as 16 hex digits."""
        return self._generation

    @property
    def position(self) -> Position:
        """Where another reader goes on: `(generation, next, priority)`, behind what
        read() and wait() returned, and what came out of a loop."""
        with self._turn():
            if not self._untold and self._has_untold():
                self._read()
            place = position_before(self._untold)
            if place is not None:
                return place
            raw = self._stats()
            next_sequence = raw.expected or raw.published + 1
            return self._generation, next_sequence, known(raw.priority)

    @property
    def received(self) -> int:
        return self.stats().received

    @property
    def lost(self) -> int:
        return self.stats().lost

    @property
    def writer(self) -> str:
        """live, stalled or gone: the kernel says whether it lives."""
        life = c_int()
        with self._turn(), self._handle as pointer:
            self._library.reader_check(pointer, byref(life))
        return LIVES[life.value]

    def stats(self) -> ReaderStats:
        with self._turn():
            return ReaderStats.of(self._stats())

    def info(self) -> RingInfo:
        raw = RawInfo()
        with self._turn(), self._handle as pointer:
            self._library.reader_info(pointer, byref(raw))
        return RingInfo.of(raw)

    def memory(self) -> RingMemory:
        """Where the ring's pages are. The kernel looks through all of the process'
        memory for it: some milliseconds. ERR_SYSTEM where it tells nothing."""
        with self._turn(), self._handle as pointer:
            return self._library.memory(self._library.reader_memory, pointer)

    # --- Reading -------------------------------------------------------------

    def read(self) -> Items:
        """What is there now, in order, some hundred at a time. Never waits, and goes
        over to a ring that took the place of this one. RingTruncated when this one
        was cut short and there is no other yet: a writer that lives makes one.
        Behind an empty list there may be more as long as `more` says so."""
        with self._turn():
            self._fill()
            return self._take_untold()

    def wait(self, timeout: float | None = None) -> Items:
        """As read(), but sleeps until there is something, `timeout` seconds at the
        most. While a ring that was cut short has no successor, it waits for that."""
        return self._wait(timeout, takes=True)

    def _wait(self, timeout: float | None, takes: bool) -> Items:
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            has_ring = True
            with self._turn():
                try:
                    self._fill()
                except RingTruncated:
                    has_ring = False
                left = None if until is None else until - time.monotonic()
                if self._untold or (left is not None and left <= 0):
                    return self._take_untold() if takes else []
            if self.more:
                continue
            if has_ring:
                self._sleep(_TURN_MS if left is None else int(min(_TURN_MS, left * 1000 + 1)))
            else:
                time.sleep(_NO_RING_SECONDS if left is None else min(_NO_RING_SECONDS, left))

    def __iter__(self) -> ShmClient:
        return self

    def __next__(self) -> Item:
        """The next threat or loss; a loop ends when the client is closed. What a
        loop that was left has not come to comes next."""
        while True:
            with self._turn():
                has_any = bool(self._untold)
            if has_any:
                return self._untold.popleft()
            try:
                self._wait(None, takes=False)
            except Closed:
                raise StopIteration from None

    def poll_threats(
        self,
        callback: Callable[[Threat], Optional[bool]],
        on_loss: Callable[[Loss], object] | None = None,
    ) -> None:
        """Calls `callback` with each threat, and `on_loss` with each loss, until
        `callback` returns False, or the client is closed. What they have not been
        given by then comes next, behind an exception as well."""
        for item in self:
            if isinstance(item, Threat):
                if callback(item) is False:
                    return
            elif on_loss is not None:
                on_loss(item)

    # --- For an event loop ---------------------------------------------------

    def fileno(self) -> int:
        """A descriptor that select, or asyncio's add_reader, finds readable when
        something may be there, once arm() has said True. Another ring may mean
        another one: ask behind each arm(). kg_reader_fd says where there is none."""
        with self._turn(), self._handle as pointer:
            return self._checked(pointer, self._library.reader_fd(pointer))

    def arm(self) -> bool:
        """Before the loop waits, a second at the most: True, or False when there is
        something to read now."""
        with self._turn(), self._handle as pointer:
            is_armed = self._checked(pointer, self._library.reader_arm(pointer)) == 1
            return is_armed and not self._has_untold()

    # --- Inside --------------------------------------------------------------

    def _has_untold(self) -> bool:
        return bool(self._untold or self._batch.events or self._batch.loss_reason)

    def _take_untold(self) -> Items:
        taken, self._untold = self._untold, deque()
        return list(taken)

    def _fill(self) -> None:
        """Puts what is there into `_untold`, unless something is there already."""
        self.more = False
        if self._untold:
            return
        try:
            self._read()
        except RingTruncated:
            if not self._follow():
                raise
        now = time.monotonic()
        if not self._untold and not self.more and now - self._checked_at >= _TURN_MS / 1000:
            self._checked_at = now
            self._follow()

    def _checked(self, pointer: c_void_p, result: int) -> int:
        if result >= 0:
            return result
        failure = Failure()
        self._library.reader_error(pointer, byref(failure))
        raise self._library.error(result, failure)

    def _stats(self) -> RawReaderStats:
        raw = RawReaderStats()
        with self._handle as pointer:
            self._library.reader_stats_get(pointer, byref(raw))
        return raw

    def _attach(self) -> None:
        """Learns what the ring is that the library has now."""
        info = self.info()
        self._generation = info.generation
        self._most_slots = min(info.capacity // BATCH_DIVISOR, MAX_SPAN)
        self._use_buffer(min(self._most_slots, _SLOTS))

    def _use_buffer(self, slots: int) -> None:
        self._slots = slots
        self._buffer = (c_uint64 * (slots * SLOT_BYTES // _WORD_BYTES))()

    def _join(self, join: str | Position) -> None:
        with self._turn(), self._handle as pointer:
            if isinstance(join, str):
                begin = LATEST if join == "latest" else OLDEST
                self._checked(pointer, self._library.reader_seek(pointer, begin, 0))
                return
            generation, next_sequence, priority = join
            if not isinstance(next_sequence, int) or not 1 <= next_sequence <= MAX_SEQUENCE:
                raise InvalidOption(f"join: {next_sequence!r:.100} is no sequence")
            if generation == self._generation:
                behind = UNKNOWN if priority is None else priority
                seek = self._library.reader_seek_after
                self._checked(pointer, seek(pointer, next_sequence - 1, behind))
                return
            loss = loss_before(self.info(), join)
            if loss is not None:
                self._tell(loss)
            seek = self._library.reader_seek
            self._checked(pointer, seek(pointer, FROM_SEQUENCE, 1))

    def _count(self, loss: Loss) -> None:
        self.losses[loss.reason] = self.losses.get(loss.reason, 0) + (loss.count or 0)

    def _tell(self, loss: Loss) -> None:
        self._count(loss)
        self._untold.append(loss)

    def _loss_of(self, batch: Batch) -> Loss:
        reason = REASONS[batch.loss_reason] if batch.loss_reason < len(REASONS) else "corrupt"
        count = known(batch.lost)
        first, last = (None, None) if count is None else (batch.lost_from, batch.lost_to)
        priority = known(batch.lost_priority)
        return Loss(count, first, last, priority, self._generation, reason)

    def _read(self) -> None:
        batch = self._batch
        items: list[Item] = []
        if not self._has_untold():
            with self._handle as pointer:
                buffer = addressof(self._buffer)
                result = self._library.reader_read(pointer, buffer, self._slots, byref(batch))
                self._checked(pointer, result)
        elif self._handle.closed:
            raise Closed("This object is closed. Create a new one.")
        data = string_at(addressof(self._buffer), batch.slots * SLOT_BYTES)
        self.more = bool(batch.more)
        loss = self._loss_of(batch) if batch.loss_reason != 0 else None
        if loss is not None:
            items.append(loss)
        slots = unpack(data)
        at, generation = 0, self._generation
        for _ in range(batch.events):
            lead = slots[at]
            span = lead[SPAN]
            # A continuation is made into text when somebody asks for it.
            raw = data[at * SLOT_BYTES : (at + span) * SLOT_BYTES] if span > 1 else None
            items.append(Threat(generation, lead, raw))
            at += span
        if batch.slots_needed > self._slots:
            self._use_buffer(min(batch.slots_needed, MAX_SPAN))
            self.more = True
        # From here on they are told: nothing between these calls anything.
        self._untold, self._batch = deque(items), Batch()
        if loss is not None:
            self._count(loss)

    def _sleep(self, timeout_ms: int) -> None:
        with self._turn(), self._handle as pointer:
            self._library.reader_wait(pointer, timeout_ms)

    def _follow(self) -> bool:
        """Goes over to the ring that has the place, if this one is over, was read, and
        there is one."""
        life, batch, failure = c_int(), Batch(), Failure()
        with self._handle as pointer:
            if self._library.reader_check(pointer, byref(life)) == 0:
                return False
            result = self._library.reader_reopen(pointer, byref(batch), byref(failure))
        if result in (RING_INVALID, RING_TRUNCATED):
            # A writer that lives, or the next one, puts another in its place.
            return False
        if result < 0:
            raise self._library.error(result, failure)
        if result == 0:
            return False
        if batch.loss_reason != 0:
            # Of the ring before, whose generation it has.
            self._tell(self._loss_of(batch))
        self._attach()
        self.more = True
        return True
