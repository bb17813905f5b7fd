"""In which pages a ring is, on a machine as it is: what is wanted is had, or refused
with what to do."""

from __future__ import annotations

import unittest
from unittest import mock

from kindly_guard_ipc.native import (
    InvalidOption,
    LibraryMissing,
    NoHugePages,
    NoNumaNode,
    RingMemory,
)
from kindly_guard_ipc.native.options import make_options
from kindly_guard_ipc.native.structs import RawMemory
from ends import EndsTest, threat


class Memory(EndsTest):
    def test_the_kernels_word(self) -> None:
        writer = self.writer(huge_pages="off")
        writer.write_threat(threat("placed"))
        memory = writer.memory()
        # What is placed has all of its pages from the beginning.
        self.assertEqual(memory.resident_bytes, writer.info().file_bytes)
        self.assertEqual(memory.huge_bytes, 0)
        self.assertEqual(memory.page_bytes % 4096, 0)
        # A kernel without NUMA names no node.
        self.assertIn(sum(memory.nodes), [memory.resident_bytes] if memory.nodes else [0])
        client = self.client(huge_pages="off")
        self.assertEqual(len(client.read()), 1)
        read = client.memory()
        self.assertEqual((read.page_bytes, read.huge_bytes), (memory.page_bytes, 0))
        self.assertLessEqual(read.resident_bytes, memory.resident_bytes)
        self.assertGreater(read.resident_bytes, 0)

    def test_nodes(self) -> None:
        """As many as the library has filled."""
        raw = RawMemory(page_bytes=4096, resident=6, huge=4, nodes=2)
        raw.node[:3] = [1, 5, 9]
        self.assertEqual(RingMemory.of(raw), (4096, 6, 4, (1, 5)))

    def test_required(self) -> None:
        try:
            writer = self.writer(huge_pages="require")
        except NoHugePages as error:
            self.assertEqual(error.code, "ERR_HUGE_PAGES")
            self.assertIn("hugetlbfs", str(error))
        else:
            self.assertEqual(writer.memory().huge_bytes, writer.info().file_bytes)
        self.writer(name="small")
        with self.assertRaises(NoHugePages):
            self.client(name="small", huge_pages="require")
        with self.assertRaises(InvalidOption):
            self.client(name="small", huge_pages="on")

    def test_a_node(self) -> None:
        with self.assertRaises(NoNumaNode) as raised:
            # No machine has so many.
            self.writer(numa_node=1023)
        self.assertEqual(raised.exception.code, "ERR_NUMA_NODE")
        self.assertIn("with memory", str(raised.exception))
        for node in (0, "interleave"):
            try:
                writer = self.writer(numa_node=node)
            except NoNumaNode:
                continue
            memory = writer.memory()
            self.assertEqual(memory.nodes[0] == memory.resident_bytes, node == 0)
            writer.close()
        # Nothing of it stays.
        self.writer()

    def test_options(self) -> None:
        """As the library wants them."""
        for node, raw in ((None, 0), (0, 1), (1023, 1024), ("interleave", 2**32 - 1)):
            options = make_options(None, None, huge_pages="off", numa_node=node)
            self.assertEqual((options.huge_pages, options.numa_node), (2, raw))
        options = make_options(None, None)
        self.assertEqual((options.huge_pages, options.numa_node), (0, 0))

    def test_an_older_library(self) -> None:
        """It tells nothing of memory, and is good for all else."""
        writer, client = self.writer(), self.client()
        for look, name in ((writer.memory, "writer_memory"), (client.memory, "reader_memory")):
            with mock.patch.object(writer._library, name, None):
                with self.assertRaisesRegex(LibraryMissing, "is older, and does not tell"):
                    look()


if __name__ == "__main__":
    unittest.main()
