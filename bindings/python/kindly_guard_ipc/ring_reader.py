"""A reader of a ring in pure Python, made from docs/format.md alone.

It polls, since Python cannot sleep on a word of shared memory, and it writes
nothing: no writer waits for it, and none can be harmed by it.
"""

from __future__ import annotations

import platform
import time
from typing import Iterator

from .cursor import Item, Items, Position, RingCursor, Totals
from .errors import RingError, RingTruncated
from .layout import HEAD, MAX_SEQUENCE, RETIRED, STATE
from .ring_file import NAME, RingFile, find, has_other_writer
from .slots import priority_between
from .threat import Loss

_CHECK_SECONDS = 0.2

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
        join: str | Position = "latest",
        checksums: bool = True,
        maps: bool = True,
    ) -> None:
        if isinstance(join, str) and join not in ("latest", "oldest"):
            raise ValueError(f"join: 'latest', 'oldest' or a position, not {join!r}")
        self._place = directory
        self._name = name
        self._maps = maps
        self._checks_sums = checksums or not _IN_ORDER
        self._totals = Totals()
        #: whether read() has not looked at all there is
        self.more = False
        self._untold: Items = []
        self._looked = time.monotonic()
        self._attach(find(directory, name, maps))
        if isinstance(join, str):
            self._cursor.join(join)
        else:
            self._go_on(join)

    def __enter__(self) -> RingReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def generation(self) -> str:
        """The present ring's, as 16 hex digits."""
        return self._cursor.generation

    @property
    def position(self) -> Position:
        """Where another reader goes on: `(generation, next, priority)`."""
        return self._cursor.position

    @property
    def received(self) -> int:
        return self._totals.received

    @property
    def lost(self) -> int:
        return self._totals.lost

    @property
    def rescued(self) -> int:
        """Of those received: they were no more in the ring, but in its lane."""
        return self._totals.rescued

    @property
    def corrupt(self) -> int:
        """How often something did not validate."""
        return self._totals.corrupt

    @property
    def writer(self) -> str:
        """live, stalled or gone: the kernel says whether it lives."""
        return self._file.writer()

    # --- What users call -----------------------------------------------------

    def read(self) -> Items:
        """What is there now, in order, some hundred at a time. Never waits, and
        goes over to a ring that replaced this one. RingTruncated when this one
        was cut short and there is no other. Behind an empty list there may be
        more as long as `more` says so: what was looked at told nothing."""
        self.more = False
        if not self._untold:
            try:
                items = self._cursor.read()
                self.more = self._cursor.more
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

    def wait(self, timeout: float | None = None, interval: float = 0.002) -> Items:
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

    # --- The ring that takes its place ---------------------------------------

    def _attach(self, file: RingFile) -> None:
        self._file = file
        self._cursor = RingCursor(file, self._totals, self._checks_sums)

    def _go_on(self, position: Position) -> None:
        """From a position, in this ring or in one before it."""
        generation, next_sequence, priority = position
        if generation == self._cursor.generation:
            self._cursor.go_to(next_sequence, priority)
            return
        loss = _loss_before(self._file, position)
        if loss is not None:
            self._totals.lost += loss.count or 0
            self._untold.append(loss)

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
            if old.word(HEAD) != self._cursor.head:
                other.close()
                self.more = True
                return True
        except RingTruncated:
            pass
        position = self.position
        old.close()
        self._attach(other)
        self._go_on(position)
        self.more = True
        return True


def _loss_before(file: RingFile, position: Position) -> Loss | None:
    """What a reader that comes from an earlier ring has lost of that."""
    generation, next_sequence, priority = position
    identity = file.identity
    last = identity.predecessor_sequence
    if f"{identity.predecessor_generation:016x}" != generation or last > MAX_SEQUENCE:
        return Loss(None, None, None, None, generation, "replaced")
    if last < next_sequence:
        return None
    count = last - next_sequence + 1
    lost = priority_between(priority, identity.predecessor_priority, count)
    return Loss(count, next_sequence, last, lost, generation, "replaced")
