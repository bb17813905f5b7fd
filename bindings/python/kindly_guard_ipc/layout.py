"""The bytes of a ring, layout version 3: docs/format.md."""

from __future__ import annotations

import struct
from typing import Final, List, NamedTuple, Tuple, cast

from .crc32c import crc32c
from .errors import RingInvalid, RingTruncated, RingVersion

MAGIC = 0x4B474D53
VERSION = 3
BYTE_ORDER = 0x01020304

REGION = 65536
HEADER_BYTES = 896
DOORBELL_BYTES = 65536
MAX_FILE_BYTES = 1 << 33

SLOT_BYTES = 384
EVENT_BYTES = 340
BODY = 40
SOURCE_BYTES = 64
DETAILS_BYTES = 256

MIN_CAPACITY, MAX_CAPACITY = 16, 1 << 22
MIN_LANE, MAX_LANE = 2, 1 << 16
MAX_SPAN = 65535
MAX_SEQUENCE = (1 << 53) - 1

# Words of the header that change, by their offsets.
STATE = 128
WRITER_START_US = 136
BOOT_ID = 144
BOOT_SEQUENCE = 152
HEARTBEAT_NS = 256
CLAIM = 384
HEAD = 512
LAST_SEQUENCE = 520
LANE_CLAIM = 640
LANE_HEAD = 768

RETIRED = 2

# Flags of a slot.
DEFLATED, PRIORITY, CUT = 1, 2, 4

# Flags of the header.
CHECKSUMS, PREDECESSOR_COUNTED = 1, 2

_IDENTITY = struct.Struct("<8I8QII24x")

# A slot as a lead slot, and where its fields are in the tuple.
SLOT = struct.Struct("<QQQHHHHIIQIBB64s256sIHI")
POSITION: Final = 0
SEQUENCE: Final = 1
PUBLISH_NS: Final = 2
SPAN: Final = 3
PLACE: Final = 4
SOURCE_USED: Final = 5
DETAILS_USED: Final = 6
FLAGS: Final = 7
TAIL_BYTES: Final = 8
TIMESTAMP_US: Final = 9
TYPE: Final = 10
SEVERITY: Final = 11
BLOCKED: Final = 12
SOURCE: Final = 13
DETAILS: Final = 14
CHECKSUM: Final = 15
RESERVED: Final = 16
COUNT: Final = 17

# What SLOT unpacks.
Slot = Tuple[
    int, int, int, int, int, int, int, int, int,
    int, int, int, int, bytes, bytes, int, int, int,
]  # fmt: skip


def unpack(data: bytes) -> List[Slot]:
    """The slots in some bytes."""
    return cast(List[Slot], list(SLOT.iter_unpack(data)))


assert _IDENTITY.size == 128 and SLOT.size == SLOT_BYTES


class Identity(NamedTuple):
    """What the first 128 bytes of a ring say, verified."""

    capacity: int
    checksums: bool
    file_bytes: int
    slots_offset: int
    generation: int
    predecessor_generation: int
    predecessor_sequence: int
    predecessor_priority: int | None
    lane_offset: int
    lane: int


def _is_power(value: int, low: int, high: int) -> bool:
    return low <= value <= high and value & (value - 1) == 0


def _in_order(file_bytes: int, *regions: tuple[int, int]) -> bool:
    end = HEADER_BYTES
    for offset, length in regions:
        if offset % REGION != 0 or offset < end or offset + length > file_bytes:
            return False
        end = offset + length
    return file_bytes % REGION == 0 and file_bytes <= MAX_FILE_BYTES


def verify(header: bytes, size: int) -> Identity:
    """Verifies the start of a file that has `size` bytes."""
    if size < HEADER_BYTES or len(header) < 128:
        raise RingInvalid(f"it has {size} bytes, fewer than a header")
    (
        magic, version, byte_order, checksum, slot_bytes, event_bytes, capacity,
        flags, file_bytes, doorbell_offset, slots_offset, generation,
        predecessor_generation, predecessor_sequence, _created, lane_offset,
        lane, predecessor_priority,
    ) = _IDENTITY.unpack_from(header)  # fmt: skip
    if magic != MAGIC or byte_order != BYTE_ORDER:
        raise RingInvalid("it does not begin as a ring does")
    if version != VERSION:
        raise RingVersion(f"it has version {version} and this is version {VERSION}")
    if (slot_bytes, event_bytes) != (SLOT_BYTES, EVENT_BYTES):
        raise RingInvalid(f"its slots have {slot_bytes} bytes, its events {event_bytes}")
    if not _is_power(capacity, MIN_CAPACITY, MAX_CAPACITY):
        raise RingInvalid(f"its capacity is {capacity}")
    if lane != 0 and not _is_power(lane, MIN_LANE, MAX_LANE):
        raise RingInvalid(f"its lane has {lane} slots")
    regions = [(doorbell_offset, DOORBELL_BYTES), (slots_offset, capacity * SLOT_BYTES)]
    if lane != 0:
        regions.append((lane_offset, lane * SLOT_BYTES))
    if not _in_order(file_bytes, *regions) or (lane == 0 and lane_offset != 0):
        raise RingInvalid("its regions do not lie behind each other")
    if generation == 0:
        raise RingInvalid("it has no generation")
    if checksum != crc32c(header[:12] + bytes(4) + header[16:128]):
        raise RingInvalid("its header does not match its checksum")
    if size < file_bytes:
        raise RingTruncated(f"it has {size} bytes of {file_bytes}")
    return Identity(
        capacity,
        flags & CHECKSUMS != 0,
        file_bytes,
        slots_offset,
        generation,
        predecessor_generation,
        predecessor_sequence,
        predecessor_priority if flags & PREDECESSOR_COUNTED else None,
        lane_offset,
        lane,
    )
