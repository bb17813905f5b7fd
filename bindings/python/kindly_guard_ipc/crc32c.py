"""CRC32C in pure Python.

A checksum is linear: that of a slot is the XOR of what each of its bytes adds,
which depends on the byte and on its place alone. So the bytes that are zero,
most of a slot, need not be looked at.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import getitem, xor
from typing import Callable, List, cast

_POLYNOMIAL = 0x82F63B78
_SLOT_BYTES = 384

# Offsets in a slot.
_DETAILS, _LEAD_SUM = 118, 374
_CONTINUATION_SUM = 380


def _table() -> list[int]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (_POLYNOMIAL if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _table()
_get = cast(Callable[[List[int], int], int], getitem)


def crc32c(data: bytes) -> int:
    """The checksum of some bytes."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


@lru_cache(maxsize=1)
def _slot_tables() -> tuple[list[list[int]], int]:
    """What each byte of a slot adds, and the checksum of one of zeros."""
    tables = [_TABLE]
    for _ in range(_SLOT_BYTES - 1):
        tables.append([(crc >> 8) ^ _TABLE[crc & 255] for crc in tables[-1]])
    tables.reverse()
    return tables, crc32c(bytes(_SLOT_BYTES))


def slot_checksum(slot: bytes, is_lead: bool) -> int:
    """The checksum that belongs into a slot."""
    tables, crc = _slot_tables()
    if not is_lead:
        return _add(crc, tables, slot[:_CONTINUATION_SUM])
    # The first bytes and the source, without the zeros behind it.
    crc = _add(crc, tables, slot[:_DETAILS].rstrip(b"\0"))
    crc = _add(crc, tables[_DETAILS:], slot[_DETAILS:_LEAD_SUM].rstrip(b"\0"))
    return _add(crc, tables[_LEAD_SUM + 4 :], slot[_LEAD_SUM + 4 :])


def _add(crc: int, tables: list[list[int]], data: bytes) -> int:
    return reduce(xor, map(_get, tables, data), crc)
