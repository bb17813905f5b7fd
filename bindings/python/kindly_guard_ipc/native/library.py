"""libkindly_guard_ipc: where it is, its functions, and its errors."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
from ctypes import POINTER, c_char_p, c_int, c_int64, c_uint32, c_uint64, c_void_p
from functools import lru_cache
from typing import Any, Iterator

from .. import errors
from ..errors import LibraryMissing, RingError
from .figures import RingMemory
from .structs import (
    Batch, Failure, RawAttachedReader, RawInfo, RawMemory, RawReaderStats, RawThreat,
    RawWriterStats, RingOptions,
)  # fmt: skip

#: names the library when no argument does; what begins with KINDLY_GUARD_IPC_ is an
#: option of Node's end
VARIABLE = "KINDLY_GUARD_LIBRARY"

#: the major version of the library; others have other structs
ABI = 0

_PACKAGE = "kindly-guard-ipc"
_FILE = {
    "darwin": f"libkindly_guard_ipc.{ABI}.dylib",
    "win32": "kindly_guard_ipc.dll",
}.get(sys.platform, f"libkindly_guard_ipc.so.{ABI}")

_OPTIONS, _FAILURE = POINTER(RingOptions), POINTER(Failure)
_FUNCTIONS: dict[str, tuple[Any, ...]] = {
    # what it returns, what it takes
    "kg_error_code": (c_char_p, c_int),
    "kg_error_what": (c_char_p, c_int),
    "kg_error_advice": (c_char_p, c_int),
    "kg_version": (c_char_p,),
    "kg_checksum_method": (c_char_p,),
    "kg_threat_span": (c_int64, POINTER(RawThreat)),
    "kg_writer_open": (c_int, _OPTIONS, POINTER(c_void_p), _FAILURE),
    "kg_writer_write": (c_int64, c_void_p, POINTER(RawThreat)),
    "kg_writer_stage": (c_int, c_void_p, POINTER(RawThreat)),
    "kg_writer_commit": (c_int64, c_void_p),
    "kg_writer_discard": (None, c_void_p),
    "kg_writer_wait_for_space": (c_int, c_void_p, c_uint32, c_uint32),
    "kg_writer_interrupt": (None, c_void_p),
    "kg_writer_readers": (c_uint32, c_void_p, POINTER(RawAttachedReader), c_uint32),
    "kg_writer_beat": (c_int, c_void_p, _FAILURE),
    "kg_writer_error": (None, c_void_p, _FAILURE),
    "kg_writer_stats_get": (None, c_void_p, POINTER(RawWriterStats)),
    "kg_writer_info": (None, c_void_p, POINTER(RawInfo)),
    "kg_writer_close": (None, c_void_p),
    "kg_reader_open": (c_int, _OPTIONS, POINTER(c_void_p), _FAILURE),
    "kg_reader_seek": (c_int, c_void_p, c_int, c_uint64),
    "kg_reader_seek_after": (c_int, c_void_p, c_uint64, c_uint64),
    "kg_reader_read": (c_int, c_void_p, c_void_p, c_uint32, POINTER(Batch)),
    "kg_reader_wait": (None, c_void_p, c_uint32),
    "kg_reader_interrupt": (None, c_void_p),
    "kg_reader_fd": (c_int, c_void_p),
    "kg_reader_arm": (c_int, c_void_p),
    "kg_reader_check": (c_int, c_void_p, POINTER(c_int)),
    "kg_reader_error": (None, c_void_p, _FAILURE),
    "kg_reader_reopen": (c_int, c_void_p, POINTER(Batch), _FAILURE),
    "kg_reader_stats_get": (None, c_void_p, POINTER(RawReaderStats)),
    "kg_reader_info": (None, c_void_p, POINTER(RawInfo)),
    "kg_reader_close": (None, c_void_p),
}
# What an older library does not have: None then.
_NEWER: dict[str, tuple[Any, ...]] = {
    "kg_reader_adopt": (None, c_void_p),
    "kg_writer_memory": (c_int, c_void_p, POINTER(RawMemory), _FAILURE),
    "kg_reader_memory": (c_int, c_void_p, POINTER(RawMemory), _FAILURE),
}

_CLASSES: dict[str, type[RingError]] = {
    one.code: one
    for one in vars(errors).values()
    if isinstance(one, type) and issubclass(one, RingError) and one is not RingError
}


class Library:
    """The functions of a library that was loaded, as attributes. Each call lets
    other threads of Python run."""

    def __init__(self, path: str) -> None:
        try:
            functions = ctypes.CDLL(path)
            for name, (returns, *takes) in _FUNCTIONS.items():
                function = getattr(functions, name)
                function.restype, function.argtypes = returns, takes
                setattr(self, name[len("kg_") :], function)
            for name, (returns, *takes) in _NEWER.items():
                function = getattr(functions, name, None)
                if function is not None:
                    function.restype, function.argtypes = returns, takes
                setattr(self, name[len("kg_") :], function)
        except OSError as error:
            raise LibraryMissing(f"{path}: {error}") from None
        except AttributeError as error:
            raise LibraryMissing(
                f"{path} is no libkindly_guard_ipc of version {ABI}: {error}"
            ) from None
        self.path = path
        release = self.version().decode()
        if release.split(".")[0] != str(ABI):
            raise LibraryMissing(
                f"{path} has version {release} and this is for {ABI}: install the "
                "Python package of that version"
            )

    def __getattr__(self, name: str) -> Any:
        # For those who check types: what __init__ has set is found before this.
        raise AttributeError(name)

    def memory(self, look: Any, pointer: c_void_p) -> RingMemory:
        """What `look` says, which is the function of an end."""
        if look is None:
            raise LibraryMissing(f"{self.path} is older, and does not tell where a ring is")
        raw, failure = RawMemory(), Failure()
        result = look(pointer, ctypes.byref(raw), ctypes.byref(failure))
        if result < 0:
            raise self.error(result, failure)
        return RingMemory.of(raw)

    def error(self, number: int, failure: Failure | None = None) -> RingError:
        """The exception for a number below 0."""
        code = self.error_code(number).decode()
        detail = b"" if failure is None or failure.error != number else failure.detail
        parts = [self.error_what(number).decode()]
        if detail:
            parts.append(f"({detail.decode('utf-8', 'replace')})")
        parts.append(self.error_advice(number).decode())
        made = _CLASSES.get(code, RingError)(" ".join(parts))
        made.code = code
        return made


def _told_by_pkg_config() -> Iterator[str]:
    command = ["pkg-config", "--variable=libdir", _PACKAGE]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return
    yield os.path.join(told.stdout.strip(), _FILE)


def _candidates() -> Iterator[str]:
    # What the program's loader finds, by LD_LIBRARY_PATH too.
    yield _FILE
    found = ctypes.util.find_library("kindly_guard_ipc")
    if found is not None:
        yield found
    yield from _told_by_pkg_config()


@lru_cache(maxsize=None)
def _load(path: str) -> Library:
    return Library(path)


def load(path: str | os.PathLike[str] | None = None) -> Library:
    """The library at `path`, else the one that KINDLY_GUARD_LIBRARY names, else
    the one that the system's loader or pkg-config finds. LibraryMissing when there
    is none, with what was tried."""
    given = os.environ.get(VARIABLE) if path is None else os.fspath(path)
    if given:
        return _load(given)
    tried = []
    for candidate in _candidates():
        try:
            return _load(candidate)
        except LibraryMissing as error:
            tried.append(str(error))
    raise LibraryMissing(
        f"libkindly_guard_ipc is not found ({'; '.join(tried)}). Install it by "
        f"`make -C native install`, or name its file in {VARIABLE} or `library`"
    )
