"""Both ends in a directory of a test's own. KINDLY_GUARD_LIBRARY names the
library, or it is installed."""

from __future__ import annotations

import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any

from kindly_guard_ipc.native import NewThreat, SharedMemoryIpc, ShmClient


def threat(details: str = "details", **others: Any) -> NewThreat:
    return NewThreat("PathTraversal", "High", "test", details, **others)


class EndsTest(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.mkdtemp(prefix="kindly-guard-test-")
        self.path = Path(self.directory) / "kindly-guard.shm"
        self.addCleanup(shutil.rmtree, self.directory)

    def writer(self, **options: Any) -> SharedMemoryIpc:
        options.setdefault("max_events", 64)
        made = SharedMemoryIpc(self.directory, **options)
        self.addCleanup(made.close)
        return made

    def client(self, **options: Any) -> ShmClient:
        options.setdefault("join", "oldest")
        made = ShmClient(self.directory, **options)
        self.addCleanup(made.close)
        return made
