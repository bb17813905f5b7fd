"""A context is what its JSON says, and what is no JSON is its text."""

from __future__ import annotations

import unittest
from typing import Any

from kindly_guard_ipc import RingReader, Threat
from kindly_guard_ipc.crc32c import slot_checksum
from rings import RingTest

# In own, the context of event 3, and its continuation slot.
_CONTEXT = b'"text"'
_SLOT = slice(131072 + 5 * 384, 131072 + 6 * 384)

_CASES: tuple[tuple[bytes, Any], ...] = (
    (b"[1, 2]", [1, 2]),
    (b"  null", None),
    (b'"text ', '"text '),
    (b"   NaN", "   NaN"),
    (b"[NaN] ", "[NaN] "),
    (b"[[[[[[", "[[[[[["),
)


class Context(RingTest):
    def test_context(self) -> None:
        for text, context in _CASES:
            data = self.vector("own")
            slot = data[_SLOT].replace(_CONTEXT, text)
            slot[380:] = slot_checksum(bytes(slot), False).to_bytes(4, "little")
            data[_SLOT] = slot
            self.put(bytes(data))
            with self.subTest(text), RingReader(self.directory, join="oldest") as reader:
                threats = [item for item in reader.read() if isinstance(item, Threat)]
                self.assertTrue(threats[2].has_context)
                self.assertEqual(threats[2].context, context)


if __name__ == "__main__":
    unittest.main()
