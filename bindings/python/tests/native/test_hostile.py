"""Rings that somebody writes into while they are read and written: no call ends the
process or raises anything but RingError."""

from __future__ import annotations

import os
import random
import unittest

from kindly_guard_ipc.native import RingError, SharedMemoryIpc, ShmClient, Threat
from ends import EndsTest, threat

HEADER_BYTES = 896
SLOTS = 131072
ROUNDS = 200


class Hostile(EndsTest):
    def drain(self, client: ShmClient) -> int:
        count = 0
        for _ in range(200):
            items = client.read()
            for item in items:
                if isinstance(item, Threat):
                    repr(item)
                    self.assertIsInstance(item.id, str)
                    self.assertIsInstance(item.cut, bool)
                    item.context
            count += len(items)
            if not items and not client.more:
                return count
        self.fail("it never ends")

    def flip(self, generator: random.Random, file: int, size: int) -> None:
        for _ in range(generator.choice((1, 3, 100))):
            base, length = generator.choice(
                ((0, HEADER_BYTES), (65536, 4096), (SLOTS, size - SLOTS))
            )
            os.pwrite(file, bytes([generator.randrange(256)]), base + generator.randrange(length))

    def test_bytes(self) -> None:
        generator = random.Random(11)
        read = refused = 0
        for round_ in range(ROUNDS):
            checksums = generator.random() < 0.5
            with SharedMemoryIpc(
                self.directory, max_events=16, enable_checksums=checksums, beats=False
            ) as writer:
                for at in range(generator.randrange(20)):
                    long = "x" * generator.choice((10, 300, 900))
                    writer.write_threat(threat(long, context={"at": at}))
                file = os.open(self.path, os.O_RDWR)
                size = os.fstat(file).st_size
                try:
                    with ShmClient(self.directory, join="oldest", reliable=True) as client:
                        for _ in range(4):
                            read += self.drain(client)
                            self.flip(generator, file, size)
                            client.arm()
                            client.wait(0)
                            writer.write_threat(threat("behind it"))
                    # And one that finds it so.
                    with ShmClient(self.directory, join="oldest") as client:
                        read += self.drain(client)
                    writer.beat()
                except RingError as error:
                    refused += 1
                    self.assertRegex(error.code, "^ERR_")
                finally:
                    os.close(file)
        self.assertGreater(read, ROUNDS)
        self.assertGreater(refused, 0)


if __name__ == "__main__":
    unittest.main()
