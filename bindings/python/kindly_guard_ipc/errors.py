"""What can be wrong with a ring. `code` is that of docs/errors.md."""

from __future__ import annotations


class RingError(Exception):
    """A ring cannot be read."""

    code = "ERR_SYSTEM"


class NoRing(RingError):
    """There is no ring here: its writer was not started yet."""

    code = "ERR_NO_RING"


class RingInvalid(RingError):
    """The file is no ring."""

    code = "ERR_RING_INVALID"


class RingVersion(RingError):
    """The ring has another layout."""

    code = "ERR_RING_VERSION"


class RingTruncated(RingError):
    """The file was cut short. Its writer makes another one."""

    code = "ERR_RING_TRUNCATED"


class UnsafePath(RingError):
    """Somebody else could reach this path."""

    code = "ERR_UNSAFE_PATH"
