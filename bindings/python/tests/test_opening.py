"""What is refused, and as what."""

import os
import unittest

from kindly_guard_ipc import (
    NoRing,
    RingError,
    RingInvalid,
    RingReader,
    RingTruncated,
    RingVersion,
    Threat,
    UnsafePath,
)
from kindly_guard_ipc.crc32c import crc32c
from rings import RingTest


class Opening(RingTest):
    def refused(self, error: type[RingError]) -> None:
        with self.assertRaises(error) as raised:
            RingReader(self.directory)
        self.assertTrue(raised.exception.code.startswith("ERR_"))

    def with_header(self, offset: int, value: bytes, sealed: bool = True) -> None:
        data = self.vector("lane")
        data[offset : offset + len(value)] = value
        if sealed:
            data[12:16] = bytes(4)
            data[12:16] = crc32c(bytes(data[:128])).to_bytes(4, "little")
        self.put(bytes(data))

    def test_none(self) -> None:
        self.refused(NoRing)
        with self.assertRaises(NoRing):
            RingReader(self.directory + "/none")

    def test_whole(self) -> None:
        self.with_header(12, bytes(4))
        RingReader(self.directory).close()

    def test_headers(self) -> None:
        cases = [
            (0, b"KGMS", RingInvalid),
            (4, b"\4", RingVersion),
            (8, b"\1\2\3\4", RingInvalid),
            (16, b"\0\1", RingInvalid),
            (20, b"\0\1", RingInvalid),
            (24, b"\x0f", RingInvalid),
            (24, b"\x08", RingInvalid),
            (32, (1 << 33).to_bytes(8, "little"), RingTruncated),
            (32, (1 << 34).to_bytes(8, "little"), RingInvalid),
            (40, bytes(8), RingInvalid),
            (48, (65536).to_bytes(8, "little"), RingInvalid),
            (48, (131073).to_bytes(8, "little"), RingInvalid),
            (56, bytes(8), RingInvalid),
            (88, bytes(8), RingInvalid),
            (96, b"\3", RingInvalid),
            (96, bytes(4), RingInvalid),
        ]
        for offset, value, error in cases:
            with self.subTest(offset=offset, value=value):
                self.with_header(offset, value)
                self.refused(error)

    def test_checksum(self) -> None:
        self.with_header(80, b"\7", sealed=False)
        self.refused(RingInvalid)

    def test_short(self) -> None:
        data = self.vector("plain")
        for length, error in ((0, RingInvalid), (895, RingInvalid), (196607, RingTruncated)):
            with self.subTest(length=length):
                self.put(bytes(data[:length]))
                self.refused(error)

    def test_reach_of_others(self) -> None:
        self.put(bytes(self.vector("plain")))
        self.path.chmod(0o640)
        self.refused(UnsafePath)
        self.path.chmod(0o600)
        os.chmod(self.directory, 0o750)
        self.refused(UnsafePath)
        os.chmod(self.directory, 0o700)
        os.link(self.path, self.path.with_suffix(".second"))
        self.refused(UnsafePath)
        self.path.unlink()
        self.path.symlink_to(self.path.with_suffix(".second"))
        self.refused(UnsafePath)
        self.path.unlink()
        os.mkfifo(self.path, 0o600)
        self.refused(UnsafePath)

    def test_cut_short_while_open(self) -> None:
        for maps in (True, False):
            with self.subTest(maps=maps):
                self.put(bytes(self.vector("plain")))
                with RingReader(self.directory, join="oldest", maps=maps) as reader:
                    os.truncate(self.path, 1000)
                    with self.assertRaises(RingTruncated):
                        reader.read()
                    # Another one takes its place.
                    self.put(bytes(self.vector("replaced")))
                    items = reader.read()
                    while reader.more or not isinstance(items[-1], Threat):
                        items += reader.read()
                self.assertEqual(
                    [type(item).__name__ for item in items], ["Loss", "Threat", "Threat"]
                )


if __name__ == "__main__":
    unittest.main()
