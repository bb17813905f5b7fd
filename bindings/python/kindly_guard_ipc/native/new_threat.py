"""A threat on its way in: checked, and as the library wants it."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidThreat, RingError
from ..layout import DETAILS_BYTES, EVENT_BYTES, SOURCE_BYTES
from ..threat import MAX_EVENT_BYTES, SEVERITIES, TYPES
from .structs import RawThreat, Text

_TYPE_CODES = {name: code for code, name in enumerate(TYPES)}
_SEVERITY_CODES = {name: code for code, name in enumerate(SEVERITIES)}

_FIELD = struct.Struct("<B3xI")
_SOURCE, _DETAILS, _ID, _CONTEXT = 1, 2, 3, 4

# Below it, deflating takes longer than it saves.
_DEFLATE_FROM = 16384


@dataclass
class NewThreat:
    """A threat to be written. `threat_type` and `severity` are names ("PathTraversal",
    "High") or numbers, of which the names are not yet known here. `context` is what
    JSON can carry, and None stands for none; `timestamp_us` is microseconds since
    1970, and now if it is None."""

    threat_type: str | int
    severity: str | int
    source: str
    details: str
    blocked: bool = False
    id: str | None = None
    context: Any = None
    timestamp_us: int | None = None


def _refuse(field: str, expected: str, value: object) -> InvalidThreat:
    return InvalidThreat(f"threat.{field}: expected {expected}, got {value!r:.100}")


def _code(field: str, value: str | int, codes: dict[str, int], most: int) -> int:
    code = codes.get(value) if isinstance(value, str) else value
    if not isinstance(code, int) or isinstance(code, bool) or not 0 <= code <= most:
        raise _refuse(field, f"{', '.join(codes)} or a whole number up to {most}", value)
    return code


def _utf8(field: str, value: object) -> bytes:
    if not isinstance(value, str):
        raise _refuse(field, "a str", value)
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise _refuse(field, "text without lone surrogates", value) from None


def _json(context: Any) -> bytes:
    if context is None:
        return b""
    try:
        text = json.dumps(context, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidThreat(f"threat.context: expected what JSON can carry: {error}") from None
    return _utf8("context", text)


def _slots(length: int) -> int:
    return -(-length // EVENT_BYTES)


def _deflated(source: bytes, details: bytes, own_id: bytes, context: bytes) -> bytes:
    """The continuation, when it is long and that makes it shorter; else b""."""
    parts = []
    for tag, text, free in (
        (_SOURCE, source, SOURCE_BYTES),
        (_DETAILS, details, DETAILS_BYTES),
        (_ID, own_id, 0),
        (_CONTEXT, context, 0),
    ):
        if len(text) > free:
            parts += [_FIELD.pack(tag, len(text)), text]
    plain = b"".join(parts)
    if len(plain) < _DEFLATE_FROM:
        return b""
    deflater = zlib.compressobj(zlib.Z_BEST_SPEED, zlib.DEFLATED, -zlib.MAX_WBITS)
    short = deflater.compress(plain) + deflater.flush()
    return short if _slots(len(short)) < _slots(len(plain)) else b""


def fill(raw: RawThreat, threat: NewThreat) -> None:
    """Makes `raw` say what `threat` says, and keep the bytes of its texts."""
    if not isinstance(threat, NewThreat):
        raise InvalidThreat(f"threat: expected a NewThreat, got {threat!r:.100}")
    threat_type = _code("threat_type", threat.threat_type, _TYPE_CODES, 2**32 - 1)
    severity = _code("severity", threat.severity, _SEVERITY_CODES, 255)
    if not isinstance(threat.blocked, bool):
        raise _refuse("blocked", "True or False", threat.blocked)
    stamp = threat.timestamp_us
    if stamp is None:
        stamp = 0
    elif not isinstance(stamp, int) or not 1 <= stamp < 2**53:
        raise _refuse("timestamp_us", "microseconds, from 1 to 2^53-1", stamp)
    if threat.id == "":
        raise _refuse("id", "a str that is not empty, or None", threat.id)
    source, details = _utf8("source", threat.source), _utf8("details", threat.details)
    own_id = b"" if threat.id is None else _utf8("id", threat.id)
    context = _json(threat.context)
    total = len(source) + len(details) + len(own_id) + len(context)
    if total > MAX_EVENT_BYTES:
        error = RingError(f"The threat has {total} bytes of text and JSON, of {MAX_EVENT_BYTES}.")
        error.code = "ERR_EVENT_TOO_LARGE"
        raise error
    deflated = b""
    if total >= _DEFLATE_FROM:
        deflated = _deflated(source, details, own_id, context)
    raw.timestamp_us = stamp
    raw.threat_type = threat_type
    raw.severity = severity
    raw.blocked = threat.blocked
    raw.source = Text(source, len(source))
    raw.details = Text(details, len(details))
    raw.id = Text(own_id, len(own_id))
    raw.context = Text(context, len(context))
    raw.deflated = Text(deflated, len(deflated))
