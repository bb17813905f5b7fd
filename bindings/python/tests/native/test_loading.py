"""The library is found, or it is said why not."""

from __future__ import annotations

import ctypes.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from kindly_guard_ipc.native import LibraryMissing, NoRing, ShmClient, load
from kindly_guard_ipc.native.library import VARIABLE

OTHER = "no-such-folder/libkindly_guard_ipc.so.0"


class Loading(unittest.TestCase):
    def test_argument(self) -> None:
        path = load().path
        self.assertIs(load(path), load(Path(path)))
        with self.assertRaises(LibraryMissing) as raised:
            load(OTHER)
        self.assertEqual(raised.exception.code, "ERR_SHM_UNAVAILABLE")
        self.assertIn(OTHER, str(raised.exception))
        with self.assertRaises(LibraryMissing):
            ShmClient("/", library=OTHER)

    def test_variable(self) -> None:
        with mock.patch.dict(os.environ, {VARIABLE: OTHER}):
            with self.assertRaisesRegex(LibraryMissing, OTHER):
                load()

    def test_another_library(self) -> None:
        with self.assertRaisesRegex(LibraryMissing, "no libkindly_guard_ipc of version 0"):
            load(ctypes.util.find_library("c"))

    def fresh(self, **variables: str) -> str:
        """What a Python says that has nothing but these variables to find it by."""
        program = (
            "from kindly_guard_ipc.native import *\n"
            "try: print(load().path)\n"
            "except LibraryMissing as error: print(error)\n"
        )
        kept = {name: value for name, value in os.environ.items() if name == "PYTHONPATH"}
        command = [sys.executable, "-B", "-c", program]
        told = subprocess.run(
            command, env={**kept, **variables}, capture_output=True, text=True, check=True
        )
        return told.stdout.strip()

    def test_found(self) -> None:
        folder = Path(load().path).parent
        by_loader = self.fresh(LD_LIBRARY_PATH=str(folder), PATH="/none")
        self.assertEqual(by_loader, "libkindly_guard_ipc.so.0")
        by_pkg_config = self.fresh(
            PKG_CONFIG_PATH=str(folder / "pkgconfig"), PATH=os.environ["PATH"]
        )
        self.assertEqual(by_pkg_config, str(folder / "libkindly_guard_ipc.so.0"))
        nowhere = self.fresh(PATH="/none")
        self.assertIn("is not found (libkindly_guard_ipc.so.0: ", nowhere)
        self.assertIn(f"or name its file in {VARIABLE}", nowhere)

    def test_errors_have_codes(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            with self.assertRaises(NoRing) as raised:
                ShmClient(directory)
        self.assertEqual(raised.exception.code, "ERR_NO_RING")
        self.assertIn(directory, str(raised.exception))
        self.assertIn("Start the Shield first", str(raised.exception))


if __name__ == "__main__":
    unittest.main()
