"""Rings for tests: the test vectors, in a directory of their own."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path

VECTORS = Path(__file__).parents[3] / "test" / "vectors"


class RingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="kindly-guard-test-")
        self.path = Path(self.directory) / "kindly-guard.shm"
        self.addCleanup(shutil.rmtree, self.directory)

    def put(self, data: bytes) -> None:
        """Puts these bytes in the ring's place."""
        other = self.path.with_suffix(".new")
        other.write_bytes(data)
        other.chmod(0o600)
        other.replace(self.path)

    def vector(self, name: str) -> bytearray:
        return bytearray((VECTORS / f"{name}.bin").read_bytes())
