"""The writing end."""

from __future__ import annotations

import weakref
from ctypes import byref, c_void_p
from typing import Iterable

from ..errors import InvalidOption, InvalidThreat
from ..threat import SEVERITIES
from .figures import AttachedReader, RingInfo, RingMemory, WriterStats
from .handle import Handle, Turn
from .heartbeat import Heartbeat
from .library import Library, load
from .new_threat import NewThreat, fill
from .options import Path, make_options
from .structs import (
    PRIORITY_NONE, READER_CELLS, RING_FULL, Failure, RawAttachedReader, RawInfo,
    RawThreat, RawWriterStats,
)  # fmt: skip

_OVERFLOWS = ("overwrite", "reject")

# How long one call waits for space: Python sees signals between two.
_TURN_MS = 500


class SharedMemoryIpc:
    """Writes threats to a ring, of which it is the only writer: RingLocked when there
    is another one. Any thread may call any method.

    `max_events`, `priority_events`: slots of a new ring; None takes those of the ring
    that is there, and `priority_events=0` means none. `overflow`: "overwrite" what is
    oldest, or "reject" what a reliable reader leaves no space for, with RingFull.
    `huge_pages`: "auto" advises them for a ring of 8 MiB and more, "require" is
    NoHugePages unless all of it is in such pages, "off" advises small ones.
    `numa_node`: the number of the node that it is to be on, or "interleave", on all in
    turn; NoNumaNode where that cannot be; None: the system chooses.
    `beats`: a thread calls beat() twice a second; without, do it yourself.
    `library`: the file of the library, see load().
    """

    def __init__(
        self,
        directory: Path | None = None,
        name: str | None = None,
        *,
        max_events: int | None = None,
        max_bytes: int | None = None,
        enable_checksums: bool = True,
        priority_severity: str | int | None = None,
        priority_events: int | None = None,
        overflow: str = "overwrite",
        reader_timeout_ms: int | None = None,
        huge_pages: str = "auto",
        numa_node: int | str | None = None,
        beats: bool = True,
        library: Path | None = None,
    ) -> None:
        if overflow not in _OVERFLOWS:
            raise InvalidOption(f"overflow: expected one of {_OVERFLOWS}, got {overflow!r:.100}")
        if isinstance(priority_severity, str):
            if priority_severity not in SEVERITIES[1:]:
                raise InvalidOption(f"priority_severity: expected one of {SEVERITIES[1:]}")
            priority_severity = SEVERITIES.index(priority_severity)
        options = make_options(
            directory,
            name,
            max_events=max_events,
            max_bytes=max_bytes,
            no_checksums=not enable_checksums,
            priority_severity=priority_severity,
            priority_events=PRIORITY_NONE if priority_events == 0 else priority_events,
            rejects=overflow == "reject",
            reader_timeout_ms=reader_timeout_ms,
            huge_pages=huge_pages,
            numa_node=numa_node,
            # Beats come from a thread, and a wait lets others write.
            any_thread=True,
        )
        self._library: Library = load(library)
        pointer, failure = c_void_p(), Failure()
        result = self._library.writer_open(byref(options), byref(pointer), byref(failure))
        if result < 0:
            raise self._library.error(result, failure)
        self._handle = Handle(
            pointer, self._library.writer_close, self._library.writer_interrupt
        )
        # Of all threads one stages and commits.
        self._turn = Turn()
        self._heartbeat: Heartbeat | None = None
        # At the end of the process at the latest.
        self._finalizer = weakref.finalize(self, self._handle.close)
        try:
            self._heartbeat = Heartbeat(self) if beats else None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> SharedMemoryIpc:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Releases the lock. The ring stays for late readers."""
        if self._heartbeat is not None:
            self._heartbeat.stop()
        self._handle.close()
        if self._handle.closed:
            self._finalizer.detach()

    @property
    def closed(self) -> bool:
        return self._handle.closed

    def write_threat(self, threat: NewThreat) -> int:
        """Publishes it and returns its sequence. Never waits. Behind a RingError
        nothing was written; behind what a signal's handler raises, KeyboardInterrupt
        too, it may have been: stats().sequence says so."""
        raw = RawThreat()
        fill(raw, threat)
        with self._turn(), self._handle as pointer:
            return self._checked(pointer, self._library.writer_write(pointer, byref(raw)))

    def write_threats(self, threats: Iterable[NewThreat]) -> int:
        """Publishes all of them at once, or none, with one wake-up, and returns the
        sequence of the last one; at the most a quarter of the ring."""
        raws = []
        for threat in threats:
            raw = RawThreat()
            fill(raw, threat)
            raws.append(raw)
        if not raws:
            raise InvalidThreat("threats: expected at least one")
        with self._turn(), self._handle as pointer:
            try:
                for raw in raws:
                    self._checked(pointer, self._library.writer_stage(pointer, byref(raw)))
                return self._checked(pointer, self._library.writer_commit(pointer))
            except BaseException:
                # An interrupt from the keyboard leaves no half of a batch: all of
                # it or nothing was written.
                self._library.writer_discard(pointer)
                raise

    def wait_for_space(self, timeout: float | None = None, slots: int | None = None) -> bool:
        """Behind a RingFull: waits until `slots` more can be written, which are those
        that the last refusal asked for, or `timeout` seconds are over: False then."""
        if slots is None:
            slots = max(1, self.stats().wanted)
        if not isinstance(slots, int) or not 1 <= slots < 2**32:
            raise InvalidOption(f"slots: expected a whole number from 1, got {slots!r:.100}")
        left_ms = None if timeout is None else max(0.0, timeout * 1000)
        while True:
            turn_ms = _TURN_MS if left_ms is None else int(min(left_ms, _TURN_MS))
            with self._handle as pointer:
                result = self._library.writer_wait_for_space(pointer, slots, turn_ms)
                if result != RING_FULL:
                    self._checked(pointer, result)
                    return True
            if left_ms is not None:
                left_ms -= turn_ms
                if left_ms < 1:
                    return False

    def beat(self) -> None:
        """Tells readers that this process lives, and puts a new ring in the place of
        one that was removed or cut short."""
        failure = Failure()
        with self._handle as pointer:
            result = self._library.writer_beat(pointer, byref(failure))
        if result < 0:
            raise self._library.error(result, failure)

    def stats(self) -> WriterStats:
        raw = RawWriterStats()
        with self._handle as pointer:
            self._library.writer_stats_get(pointer, byref(raw))
        return WriterStats.of(raw)

    def info(self) -> RingInfo:
        raw = RawInfo()
        with self._handle as pointer:
            self._library.writer_info(pointer, byref(raw))
        return RingInfo.of(raw)

    def memory(self) -> RingMemory:
        """Where the ring's pages are. The kernel looks through all of the process'
        memory for it: some milliseconds. ERR_SYSTEM where it tells nothing."""
        with self._handle as pointer:
            return self._library.memory(self._library.writer_memory, pointer)

    def readers(self) -> list[AttachedReader]:
        """The reliable readers."""
        raws = (RawAttachedReader * READER_CELLS)()
        with self._handle as pointer:
            count = self._library.writer_readers(pointer, raws, READER_CELLS)
        return [AttachedReader.of(raw) for raw in raws[:count]]

    def _checked(self, pointer: c_void_p, result: int) -> int:
        if result >= 0:
            return result
        failure = Failure()
        self._library.writer_error(pointer, byref(failure))
        raise self._library.error(result, failure)
