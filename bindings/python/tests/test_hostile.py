"""Rings that somebody wrote into: a reader ends each read, raises nothing but
RingError, delivers nothing twice, and loses no more than a stream can have."""

from __future__ import annotations

import random
import unittest

from kindly_guard_ipc import Loss, Position, RingError, RingReader
from rings import RingTest

HEADER = (384, 512, 520, 640, 768)
VALUES = (0, 1, 15, 16, 17, 50, 2**32, 2**53 - 1, 2**53, 2**62, 2**63, 2**64 - 1)
PLACE: Position = ("0123456789abcdef", 3, 0)
NAMES = ("wrapped", "lapped", "lane", "damaged", "unchecked")


class Hostile(RingTest):
    def drain(self, reader: RingReader) -> None:
        for _ in range(200):
            items = reader.read()
            for item in items:
                if isinstance(item, Loss):
                    continue
                repr(item)
                self.assertIsInstance(item.id, str)
                self.assertIsInstance(item.cut, bool)
            if not items and not reader.more:
                return
        self.fail("it never ends")

    def test_words(self) -> None:
        """Every word of the header that a reader believes, with all values."""
        for name in NAMES:
            for offset in HEADER:
                for value in VALUES:
                    data = self.vector(name)
                    data[offset : offset + 8] = value.to_bytes(8, "little")
                    self.put(bytes(data))
                    joins: list[str | Position] = ["oldest", "latest", PLACE]
                    for join in joins:
                        with self.subTest(name=name, offset=offset, value=value, join=join):
                            with RingReader(self.directory, join=join) as reader:
                                self.drain(reader)

    def test_bytes(self) -> None:
        """Bytes anywhere, in rings without checksums above all, while it reads."""
        generator = random.Random(7)
        for _ in range(400):
            data = self.vector(generator.choice(NAMES))
            for _ in range(generator.choice((1, 3, 100))):
                at = 131072 + generator.randrange(16 * 384)
                data[at] = generator.randrange(256)
            if generator.randrange(3) == 0:
                data[generator.choice(HEADER)] = generator.randrange(256)
            self.put(bytes(data))
            try:
                with RingReader(self.directory, join="oldest", checksums=False) as reader:
                    self.drain(reader)
                    with open(self.path, "r+b") as file:
                        file.seek(512)
                        file.write(bytes([generator.randrange(256)]))
                    self.drain(reader)
            except RingError:
                pass


if __name__ == "__main__":
    unittest.main()
