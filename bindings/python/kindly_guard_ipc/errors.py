"""What can be wrong. `code` is that of docs/errors.md, which has more of them than
there are classes here: those are RingErrors with a code of their own."""

from __future__ import annotations


class RingError(Exception):
    """A ring cannot be read, or not be written."""

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


# --- Of kindly_guard_ipc.native alone ----------------------------------------


class RingLocked(RingError):
    """Another live writer holds this ring."""

    code = "ERR_RING_LOCKED"


class RingFull(RingError):
    """A reliable reader has not taken what would be overwritten."""

    code = "ERR_RING_FULL"


class Closed(RingError):
    """This object is closed."""

    code = "ERR_CLOSED"


class Forked(RingError):
    """This object belongs to the process that forked."""

    code = "ERR_FORKED"


class InvalidOption(RingError, ValueError):
    """An option has the wrong type or range."""

    code = "ERR_INVALID_OPTION"


class InvalidThreat(RingError, ValueError):
    """A threat has a field that cannot be carried exactly."""

    code = "ERR_INVALID_THREAT"


class NoHugePages(RingError):
    """The ring cannot be had in huge pages."""

    code = "ERR_HUGE_PAGES"


class NoNumaNode(RingError):
    """The ring cannot be put on this NUMA node."""

    code = "ERR_NUMA_NODE"


class LibraryMissing(RingError):
    """libkindly_guard_ipc is not there, or is another one."""

    code = "ERR_SHM_UNAVAILABLE"
