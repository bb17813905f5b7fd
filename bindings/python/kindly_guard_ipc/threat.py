"""A threat, as it comes out of a ring."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from .layout import (
    BLOCKED, BODY, COUNT, CUT, DEFLATED, DETAILS, DETAILS_USED, EVENT_BYTES, FLAGS,
    PRIORITY, PUBLISH_NS, SEQUENCE, SEVERITY, SLOT_BYTES, SOURCE, SOURCE_USED,
    TAIL_BYTES, TIMESTAMP_US, TYPE, Slot,
)  # fmt: skip

TYPES = (
    "Unknown",
    "UnicodeInvisible",
    "UnicodeBiDi",
    "UnicodeHomoglyph",
    "InjectionAttempt",
    "PathTraversal",
    "SuspiciousPattern",
    "RateLimitViolation",
)
SEVERITIES = ("Unknown", "Low", "Medium", "High", "Critical")

# The most bytes of text that an event may have.
MAX_EVENT_BYTES = 1 << 20

_FIELD = struct.Struct("<B3xI")
_SOURCE, _DETAILS, _ID, _CONTEXT = 1, 2, 3, 4
_MOST_FIELD_BYTES = 4 * _FIELD.size


@dataclass(frozen=True)
class Loss:
    """Events that this reader does not get. `count`, `first` and `last` are None
    when nobody knows, and so is `priority`, how many of them had priority.
    `reason`: overwritten, corrupt, replaced, or before-join, which is told and
    not counted."""

    count: int | None
    first: int | None
    last: int | None
    priority: int | None
    generation: str
    reason: str


class Threat:
    """One event. Its texts are made when they are asked for."""

    __slots__ = ("_generation", "_slot", "_fields", "_is_cut")

    def __init__(self, generation: str, slot: Slot, data: bytes | None = None) -> None:
        self._generation = generation
        self._slot = slot
        self._fields: dict[int, bytes] | None = None
        self._is_cut = False
        if data is not None:
            self._fields, is_whole = _decode(data, slot)
            self._is_cut = not is_whole

    @property
    def sequence(self) -> int:
        return self._slot[SEQUENCE]

    @property
    def id(self) -> str:
        own = self._text(_ID)
        return own if own else f"{self._generation}-{self.sequence}"

    @property
    def generation(self) -> str:
        """The ring's, as 16 hex digits."""
        return self._generation

    @property
    def timestamp_us(self) -> int:
        """Microseconds since 1970."""
        return self._slot[TIMESTAMP_US]

    @property
    def threat_type(self) -> str:
        code = self._slot[TYPE]
        return TYPES[code] if code < len(TYPES) else "Unknown"

    @property
    def threat_type_code(self) -> int:
        return self._slot[TYPE]

    @property
    def severity(self) -> str:
        code = self._slot[SEVERITY]
        return SEVERITIES[code] if code < len(SEVERITIES) else "Unknown"

    @property
    def severity_code(self) -> int:
        return self._slot[SEVERITY]

    @property
    def source(self) -> str:
        text = self._text(_SOURCE)
        slot = self._slot
        return _decoded(slot[SOURCE][: slot[SOURCE_USED]]) if text is None else text

    @property
    def details(self) -> str:
        text = self._text(_DETAILS)
        slot = self._slot
        return _decoded(slot[DETAILS][: slot[DETAILS_USED]]) if text is None else text

    @property
    def blocked(self) -> bool:
        return self._slot[BLOCKED] != 0

    @property
    def has_context(self) -> bool:
        return self._fields is not None and _CONTEXT in self._fields

    @property
    def context(self) -> Any:
        """What its JSON says; the text itself when it is none."""
        text = self._text(_CONTEXT)
        if text is None:
            return None
        try:
            return json.loads(text, parse_constant=_no_json)
        except (ValueError, RecursionError):
            return text

    @property
    def cut(self) -> bool:
        """Whether text is missing."""
        return self._is_cut or self._slot[FLAGS] & CUT != 0

    @property
    def publish_ns(self) -> int:
        """When it was published, by the monotonic clock of its writer."""
        return self._slot[PUBLISH_NS]

    @property
    def has_priority(self) -> bool:
        return self._slot[FLAGS] & PRIORITY != 0

    @property
    def priority_count(self) -> int:
        """The priority events up to and with this one, modulo 2^32."""
        return self._slot[COUNT]

    def __repr__(self) -> str:
        return (
            f"<Threat {self.sequence} {self.threat_type} {self.severity} "
            f"{self.source!r}: {self.details!r}>"
        )

    def _text(self, tag: int) -> str | None:
        fields = self._fields
        if fields is None or tag not in fields:
            return None
        return _decoded(fields[tag])


def _no_json(word: str) -> Any:
    """Python would take NaN and Infinity."""
    raise ValueError(word)


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")


def _decode(data: bytes, lead: Slot) -> tuple[dict[int, bytes] | None, bool]:
    """The fields in the slots of an event, None when they are too large, or do not
    inflate; and whether they are all that stands there."""
    bodies = range(SLOT_BYTES + BODY, len(data), SLOT_BYTES)
    joined = b"".join(data[at : at + EVENT_BYTES] for at in bodies)[: lead[TAIL_BYTES]]
    most = MAX_EVENT_BYTES + _MOST_FIELD_BYTES
    if len(joined) > most:
        return None, False
    if lead[FLAGS] & DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            joined = inflater.decompress(joined, most)
        except zlib.error:
            return None, False
        if not inflater.eof:
            return None, False
    fields: dict[int, bytes] = {}
    at = 0
    while at + _FIELD.size <= len(joined):
        tag, length = _FIELD.unpack_from(joined, at)
        end = at + _FIELD.size + length
        if end > len(joined):
            break
        fields[tag] = joined[at + _FIELD.size : end]
        at = end
    texts = sum(len(fields.get(tag, b"")) for tag in (_SOURCE, _DETAILS, _ID, _CONTEXT))
    texts += 0 if _SOURCE in fields else lead[SOURCE_USED]
    texts += 0 if _DETAILS in fields else lead[DETAILS_USED]
    return (fields, at == len(joined)) if texts <= MAX_EVENT_BYTES else (None, False)
