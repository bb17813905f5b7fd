"""The structs of kg_ipc.h. A test holds them against kg_abi.json."""

from __future__ import annotations

from ctypes import (
    Structure, c_bool, c_char, c_char_p, c_int, c_size_t, c_uint8, c_uint32, c_uint64,
)  # fmt: skip


class Text(Structure):
    """kg_text. c_char_p passes the bytes as they are, NUL included."""

    _fields_ = [("bytes", c_char_p), ("length", c_size_t)]


class RawThreat(Structure):
    """kg_threat."""

    _fields_ = [
        ("timestamp_us", c_uint64),
        ("threat_type", c_uint32),
        ("severity", c_uint8),
        ("blocked", c_bool),
        ("source", Text),
        ("details", Text),
        ("id", Text),
        ("context", Text),
        ("deflated", Text),
        ("sequence", c_uint64),
        ("publish_ns", c_uint64),
        ("cut", c_bool),
    ]


class Failure(Structure):
    """kg_failure."""

    _fields_ = [("error", c_int), ("system_error", c_int), ("detail", c_char * 600)]


class RingOptions(Structure):
    """kg_ring_options."""

    _fields_ = [
        ("struct_size", c_uint32),
        ("dir", c_char_p),
        ("name", c_char_p),
        ("max_events", c_uint32),
        ("max_bytes", c_uint64),
        ("no_checksums", c_bool),
        ("priority_severity", c_uint32),
        ("priority_events", c_uint32),
        ("predecessor_generation", c_uint64),
        ("predecessor_sequence", c_uint64),
        ("predecessor_priority", c_uint64),
        ("rejects", c_bool),
        ("reader_timeout_ms", c_uint32),
        ("reliable", c_bool),
        ("any_thread", c_bool),
        ("checks", c_uint64),
        ("huge_pages", c_uint32),
        ("numa_node", c_uint32),
    ]


class RawMemory(Structure):
    """kg_memory."""

    _fields_ = [
        ("page_bytes", c_uint64),
        ("resident", c_uint64),
        ("huge", c_uint64),
        ("nodes", c_uint32),
        ("node", c_uint64 * 64),
    ]


class RawInfo(Structure):
    """kg_ring_info."""

    _fields_ = [
        ("generation", c_uint64),
        ("predecessor_generation", c_uint64),
        ("predecessor_sequence", c_uint64),
        ("predecessor_priority", c_uint64),
        ("file_bytes", c_uint64),
        ("capacity", c_uint32),
        ("priority_events", c_uint32),
        ("checksums", c_bool),
        ("path", c_char * 1024),
    ]


class RawWriterStats(Structure):
    """kg_writer_stats."""

    _fields_ = [
        ("published", c_uint64),
        ("priority", c_uint32),
        ("bytes", c_uint64),
        ("bells", c_uint64),
        ("sequence", c_uint64),
        ("replaced", c_uint64),
        ("overwritten", c_uint64),
        ("rejected", c_uint64),
        ("wanted", c_uint32),
        ("evicted", c_uint64),
        ("refuses", c_int),
    ]


class RawAttachedReader(Structure):
    """kg_attached_reader."""

    _fields_ = [
        ("cell", c_uint32),
        ("cursor", c_uint64),
        ("lag", c_uint64),
        ("evicted", c_bool),
        ("alive", c_bool),
    ]


class Batch(Structure):
    """kg_batch."""

    _fields_ = [
        ("loss_reason", c_uint32),
        ("lost", c_uint64),
        ("lost_from", c_uint64),
        ("lost_to", c_uint64),
        ("lost_priority", c_uint64),
        ("slots", c_uint32),
        ("events", c_uint32),
        ("slots_needed", c_uint32),
        ("more", c_bool),
    ]


class RawReaderStats(Structure):
    """kg_reader_stats."""

    _fields_ = [
        ("received", c_uint64),
        ("lost", c_uint64),
        ("rescued", c_uint64),
        ("corrupt", c_uint64),
        ("bytes", c_uint64),
        ("sequence", c_uint64),
        ("expected", c_uint64),
        ("priority", c_uint64),
        ("published", c_uint64),
        ("writer_start_us", c_uint64),
        ("reliable", c_bool),
    ]


#: by their names in kg_abi.json
STRUCTS: dict[str, type[Structure]] = {
    "kg_text": Text,
    "kg_threat": RawThreat,
    "kg_failure": Failure,
    "kg_ring_options": RingOptions,
    "kg_memory": RawMemory,
    "kg_ring_info": RawInfo,
    "kg_writer_stats": RawWriterStats,
    "kg_attached_reader": RawAttachedReader,
    "kg_batch": Batch,
    "kg_reader_stats": RawReaderStats,
}

# What some of their words mean.
UNKNOWN = 2**64 - 1
PRIORITY_NONE = 2**32 - 1
NUMA_INTERLEAVE = 2**32 - 1
READER_CELLS = 128
MAX_SPAN = 65535
BATCH_DIVISOR = 4

RING_INVALID = -3
RING_TRUNCATED = -6
RING_FULL = -29

LATEST, OLDEST, FROM_SEQUENCE = 0, 1, 2

#: by enum kg_loss_reason, in the words of the other transports
REASONS = ("", "overwritten", "corrupt", "before-join", "evicted", "replaced")

#: by enum kg_huge_pages
HUGE_PAGES = ("auto", "require", "off")

#: by enum kg_writer_life
LIVES = ("live", "stalled", "gone")
