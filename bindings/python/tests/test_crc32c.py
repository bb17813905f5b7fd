"""Checksums: their check value, and the quick way against the plain one."""

import random
import unittest

from kindly_guard_ipc.crc32c import crc32c, slot_checksum


class Checksums(unittest.TestCase):
    def test_check_values(self) -> None:
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(crc32c(bytes(32)), 0x8A9136AA)

    def test_slots(self) -> None:
        generator = random.Random(1)
        for number in range(300):
            slot = bytearray(generator.randbytes(384))
            if number % 3 == 0:
                slot = bytearray(384)
            used = generator.randrange(0, 257)
            slot[118 + used : 374] = bytes(256 - used)
            for is_lead, at in ((True, 374), (False, 380)):
                zeroed = slot[:at] + bytes(4) + slot[at + 4 :]
                with self.subTest(number=number, is_lead=is_lead):
                    self.assertEqual(slot_checksum(bytes(slot), is_lead), crc32c(bytes(zeroed)))


if __name__ == "__main__":
    unittest.main()
