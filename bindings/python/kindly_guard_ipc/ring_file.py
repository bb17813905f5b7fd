"""A ring's file: where it is, who may reach it, and what stands in it."""

from __future__ import annotations

import fcntl
import mmap
import os
import pwd
import stat
import struct
import sys
import time
from typing import Iterator

from .errors import NoRing, RingError, RingInvalid, RingTruncated, UnsafePath
from .layout import HEARTBEAT_NS, WRITER_START_US, Identity, verify

NAME = "kindly-guard"
STALLED_NS = 3_000_000_000

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOCK = struct.Struct("@hhqqi")  # struct flock
_CLOCK_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _own_directory(path: str | None) -> str | None:
    """What the environment names, if it is absolute and this user's."""
    if not path or not os.path.isabs(path):
        return None
    try:
        info = os.stat(path)
    except OSError:
        return None
    return path if stat.S_ISDIR(info.st_mode) and info.st_uid == os.geteuid() else None


def _temporary() -> str | None:
    path = os.environ.get("TMPDIR")
    if not path or not os.path.isabs(path) or path == "/tmp":
        return None
    try:
        info = os.stat(path)
    except OSError:
        return None
    is_closed = info.st_mode & 0o022 == 0 or info.st_mode & stat.S_ISVTX != 0
    return path if info.st_uid in (0, os.geteuid()) and is_closed else None


def directories() -> Iterator[str]:
    """Where a ring may be, the best first."""
    uid = os.geteuid()
    own = f"kindly-guard-{uid}"
    yield f"/dev/shm/{own}"
    runtime = _own_directory(os.environ.get("XDG_RUNTIME_DIR"))
    for base in dict.fromkeys((runtime, f"/run/user/{uid}")):
        if base is not None:
            yield f"{base}/kindly-guard"
    for base in (_temporary(), "/tmp"):
        if base is not None:
            yield f"{base}/{own}"
    home = _own_directory(os.environ.get("HOME"))
    if home is None:
        try:
            home = _own_directory(pwd.getpwuid(uid).pw_dir)
        except KeyError:
            pass
    if home is not None:
        yield f"{home}/.kindly-guard/shm"


def _check_directory(path: str) -> None:
    try:
        info = os.lstat(path)
    except FileNotFoundError:
        raise NoRing(f"there is no {path}") from None
    except OSError as error:
        raise RingError(f"{path}: {error.strerror}") from None
    if not stat.S_ISDIR(info.st_mode):
        raise UnsafePath(f"{path} is no directory, or a link to one")
    if info.st_uid != os.geteuid() or info.st_mode & 0o077:
        raise UnsafePath(f"{path} is another user's, or open to others")


def _open(directory: str, name: str) -> int:
    path = os.path.join(directory, f"{name}.shm")
    _check_directory(directory)
    try:
        handle = os.open(path, _FLAGS)
    except FileNotFoundError:
        raise NoRing(f"there is no {path}") from None
    except OSError as error:
        raise UnsafePath(f"{path}: {error.strerror}") from None
    info = os.fstat(handle)
    if (
        not stat.S_ISREG(info.st_mode)
        or info.st_uid != os.geteuid()
        or info.st_nlink > 1
        or info.st_mode & 0o077
    ):
        os.close(handle)
        raise UnsafePath(f"{path} is no file of this user alone")
    return handle


def _is_locked(handle: int) -> bool:
    """Whether somebody holds the lock on byte 0: the kernel's word."""
    asked = _LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
    answer = fcntl.fcntl(handle, fcntl.F_OFD_GETLK, asked)
    return bool(_LOCK.unpack(answer)[0] != fcntl.F_UNLCK)


class RingFile:
    """One ring, opened and verified, for reading alone.

    With `maps`, words and slots come from a mapping, which is fast; the size is
    looked at before each read, and in the moment between the two a file that is
    cut short ends this process (SIGBUS). Without it they come by `pread`, which
    costs a system call each and can never do that.
    """

    def __init__(self, directory: str, name: str = NAME, maps: bool = True) -> None:
        if sys.byteorder != "little":
            raise RingError("a ring is little-endian, this machine is not")
        self.directory = directory
        self.path = os.path.join(directory, f"{name}.shm")
        self._map: mmap.mmap | None = None
        self._words: memoryview | None = None
        self._handle = _open(directory, name)
        try:
            size = os.fstat(self._handle).st_size
            self.identity: Identity = verify(os.pread(self._handle, 128, 0), size)
            self._check_blocks()
            if maps:
                length = self.identity.file_bytes
                self._map = mmap.mmap(self._handle, length, access=mmap.ACCESS_READ)
                # Each word by one load: byte by byte it could be torn.
                self._words = memoryview(self._map).cast("Q")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._words is not None:
            self._words.release()
            self._words = None
        if self._map is not None:
            self._map.close()
            self._map = None
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def check_size(self) -> None:
        if os.fstat(self._handle).st_size < self.identity.file_bytes:
            raise RingTruncated(f"{self.path} was cut short")

    def word(self, offset: int) -> int:
        """One word of 8 bytes."""
        if self._words is not None:
            return self._words[offset >> 3]
        return int.from_bytes(self._read(8, offset), "little")

    def copy(self, offset: int, length: int) -> bytes:
        if self._map is not None:
            return self._map[offset : offset + length]
        return self._read(length, offset)

    def half_word(self, offset: int) -> int:
        """One word of 4 bytes."""
        return (self.word(offset & ~7) >> (8 * (offset & 4))) & 0xFFFFFFFF

    def is_named(self) -> bool:
        """Whether the path still leads to this file."""
        try:
            named = os.lstat(self.path)
        except OSError:
            return False
        opened = os.fstat(self._handle)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def writer(self) -> str:
        """live, stalled (no sign of life for three seconds) or gone."""
        if not _is_locked(self._handle):
            return "gone"
        now = time.clock_gettime_ns(_CLOCK_BOOT)
        return "stalled" if now - self.word(HEARTBEAT_NS) > STALLED_NS else "live"

    def _read(self, length: int, offset: int) -> bytes:
        data = os.pread(self._handle, length, offset)
        if len(data) < length:
            raise RingTruncated(f"{self.path} was cut short")
        return data

    def _check_blocks(self) -> None:
        """Looking at a hole of a file in memory would fill it. Python does not tell
        which file system it is; these are where one in memory is expected."""
        if not self.path.startswith(("/dev/shm/", "/run/")):
            return
        if os.fstat(self._handle).st_blocks * 512 < self.identity.file_bytes:
            raise RingInvalid(f"{self.path} lacks some of its blocks")


def find(directory: str | None, name: str, maps: bool) -> RingFile:
    """The ring in `directory`; without one, the best of the usual places: that of
    a living writer, else the newest."""
    if directory is not None:
        return RingFile(directory, name, maps)
    found: list[RingFile] = []
    first: RingError | None = None
    for place in directories():
        try:
            found.append(RingFile(place, name, maps))
        except RingError as error:
            first = first or error
    if not found:
        raise first or NoRing("there is no directory")
    best = max(found, key=lambda ring: (ring.writer() != "gone", ring.word(WRITER_START_US)))
    for ring in found:
        if ring is not best:
            ring.close()
    return best


def has_other_writer(directory: str, name: str) -> bool:
    """Whether a ring in another of the usual places has a writer that lives."""
    for place in directories():
        if place == directory:
            continue
        try:
            handle = _open(place, name)
        except RingError:
            continue
        try:
            if _is_locked(handle):
                return True
        finally:
            os.close(handle)
    return False
