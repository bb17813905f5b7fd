"""A writer that goes on while slots are copied: nothing that it may have begun to
overwrite is delivered, whatever the slots look like."""

from __future__ import annotations

import unittest
from unittest import mock

from kindly_guard_ipc import RingReader, Threat
from kindly_guard_ipc.layout import CLAIM, HEAD
from kindly_guard_ipc.ring_file import RingFile
from rings import RingTest

# Of lapped: its head is 103, and event 87 lies at position 89.
_CASES = (
    ("it claims", 103, 106, 88),
    ("it publishes and claims more", 111, 113, 95),
    ("its claim is forged, too low", 111, 5, 93),
    ("its claim is forged, too high", 111, 1 << 62, 93),
)


class Overtaken(RingTest):
    def go_on(self, head: int, claim: int) -> None:
        with open(self.path, "r+b") as file:
            for offset, value in ((CLAIM, claim), (HEAD, head)):
                file.seek(offset)
                file.write(value.to_bytes(8, "little"))

    def test_claim(self) -> None:
        """The oldest event that is delivered lies a capacity behind the claim."""
        copy = RingFile.copy
        for what, head, claim, first in _CASES:
            for maps in (True, False):

                def overtaken(file: RingFile, offset: int, length: int) -> bytes:
                    data = copy(file, offset, length)
                    self.go_on(head, claim)
                    return data

                self.put(bytes(self.vector("lapped")))
                with self.subTest(what, maps=maps), RingReader(
                    self.directory, join="oldest", maps=maps
                ) as reader, mock.patch.object(RingFile, "copy", overtaken):
                    threats = [item for item in reader.read() if isinstance(item, Threat)]
                    self.assertEqual(
                        [threat.sequence for threat in threats], list(range(first, 101))
                    )


if __name__ == "__main__":
    unittest.main()
