"""The options of both ends, checked, as the library wants them."""

from __future__ import annotations

import os
from ctypes import sizeof
from typing import Any, Union

from ..errors import InvalidOption
from .structs import HUGE_PAGES, NUMA_INTERLEAVE, RingOptions

#: of a directory
Path = Union[str, "os.PathLike[str]"]

_MOST = {"max_bytes": 2**64 - 1}

# What a kernel can be built for.
_MOST_NODES = 1024


def _bytes(name: str, value: Path) -> bytes:
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidOption(f"{name}: expected a str or a path, got {value!r:.100}")
    encoded = os.fsencode(value)
    if encoded == b"" or b"\0" in encoded:
        raise InvalidOption(f"{name}: expected a path that is not empty and has no NUL")
    return encoded


def _huge_pages(value: str) -> int:
    if value not in HUGE_PAGES:
        raise InvalidOption(f"huge_pages: expected one of {HUGE_PAGES}, got {value!r:.100}")
    return HUGE_PAGES.index(value)


def _numa_node(value: int | str | None) -> int:
    if value is None:
        return 0
    if value == "interleave":
        return NUMA_INTERLEAVE
    # True is a number in Python.
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MOST_NODES:
        raise InvalidOption(
            f"numa_node: expected a whole number from 0 to {_MOST_NODES - 1}, or "
            f"'interleave', got {value!r:.100}"
        )
    return value + 1


def make_options(
    directory: Path | None,
    name: str | None,
    *,
    huge_pages: str = "auto",
    numa_node: int | str | None = None,
    **others: Any,
) -> RingOptions:
    """With `others` set: numbers and booleans by their names in C. A number of None
    stays 0, which is the library's default."""
    options = RingOptions(struct_size=sizeof(RingOptions))
    options.huge_pages = _huge_pages(huge_pages)
    options.numa_node = _numa_node(numa_node)
    if directory is not None:
        options.dir = _bytes("directory", directory)
    if name is not None:
        options.name = _bytes("name", name)
    for key, value in others.items():
        if isinstance(value, bool):
            setattr(options, key, value)
            continue
        most = _MOST.get(key, 2**32 - 1)
        if value is None:
            continue
        if not isinstance(value, int) or not 0 <= value <= most:
            raise InvalidOption(
                f"{key}: expected a whole number from 0 to {most}, got {value!r:.100}"
            )
        setattr(options, key, value)
    return options
