"""The options of both ends, checked, as the library wants them."""

from __future__ import annotations

import os
from ctypes import sizeof
from typing import Any, Union

from ..errors import InvalidOption
from .structs import RingOptions

#: of a directory
Path = Union[str, "os.PathLike[str]"]

_MOST = {"max_bytes": 2**64 - 1}


def _bytes(name: str, value: Path) -> bytes:
    if not isinstance(value, (str, os.PathLike)):
        raise InvalidOption(f"{name}: expected a str or a path, got {value!r:.100}")
    encoded = os.fsencode(value)
    if encoded == b"" or b"\0" in encoded:
        raise InvalidOption(f"{name}: expected a path that is not empty and has no NUL")
    return encoded


def make_options(directory: Path | None, name: str | None, **others: Any) -> RingOptions:
    """With `others` set: numbers and booleans by their names in C. A number of None
    stays 0, which is the library's default."""
    options = RingOptions(struct_size=sizeof(RingOptions))
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
