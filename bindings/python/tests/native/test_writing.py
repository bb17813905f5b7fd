"""The writing end."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
import unittest
import weakref
from typing import Any
from unittest import mock

from kindly_guard_ipc.native import (
    Closed,
    Forked,
    InvalidOption,
    InvalidThreat,
    NewThreat,
    RingError,
    RingFull,
    RingLocked,
    SharedMemoryIpc,
    Threat,
)
from kindly_guard_ipc.native.heartbeat import Heartbeat
from ends import EndsTest, threat


class Writing(EndsTest):
    def test_what_is_written_is_read(self) -> None:
        writer, client = self.writer(max_events=2048), self.client()
        long = "".join(f"{number:x} ü忽" for number in range(5000))
        given = [
            NewThreat("UnicodeBiDi", "Critical", "", ""),
            NewThreat(77, 9, "a\0b\0", "忽略 \U0001f9e8", True, "own", {"a": [1, None]}, 5),
            NewThreat("Unknown", 0, "s" * 65, "d" * 257, context="text"),
            NewThreat("RateLimitViolation", "Low", long, long[::-1], context=False),
        ]
        sequences = [writer.write_threat(one) for one in given]
        self.assertEqual(sequences, [1, 2, 3, 4])
        items = client.read()
        self.assertEqual(len(items), 4)
        for one, item in zip(given, items):
            assert isinstance(item, Threat)
            self.assertEqual(item.source, one.source)
            self.assertEqual(item.details, one.details)
            self.assertEqual(item.blocked, one.blocked)
            self.assertEqual(item.context, one.context)
            self.assertEqual(item.has_context, one.context is not None)
            self.assertEqual(item.id, one.id or f"{client.generation}-{item.sequence}")
            self.assertFalse(item.cut)
        threats = [item for item in items if isinstance(item, Threat)]
        self.assertEqual(
            [(item.threat_type, item.severity) for item in threats],
            [
                ("UnicodeBiDi", "Critical"),
                ("Unknown", "Unknown"),
                ("Unknown", "Unknown"),
                ("RateLimitViolation", "Low"),
            ],
        )
        self.assertEqual([threats[1].threat_type_code, threats[1].severity_code], [77, 9])
        self.assertEqual(threats[1].timestamp_us, 5)
        self.assertLess(abs(threats[0].timestamp_us - time.time() * 1e6), 60e6)
        # The long one was deflated: as it is, it takes more.
        self.assertLess(writer.stats().bytes, len(long) * 2)

    def test_what_cannot_be_carried(self) -> None:
        writer = self.writer()
        own: dict[str, Any] = {"self": None}
        own["self"] = own
        for field, values in {
            "threat_type": ("Nothing", -1, 2**32, 1.5, None, True),
            "severity": ("Nothing", -1, 256, None),
            "source": (None, b"bytes", "\ud800"),
            "details": (5, "\udfff"),
            "blocked": (1, None),
            "id": ("", 5, "\ud800"),
            "context": ({1, 2}, float("nan"), own, b"", "\ud800"),
            "timestamp_us": (0, -1, 2**53, 1.0),
        }.items():
            for value in values:
                one = threat()
                setattr(one, field, value)
                with self.subTest(field=field, value=str(value)[:20].encode("utf-8", "replace")):
                    with self.assertRaisesRegex(InvalidThreat, f"^threat.{field}: ") as raised:
                        writer.write_threat(one)
                    self.assertIsInstance(raised.exception, ValueError)
                    self.assertEqual(raised.exception.code, "ERR_INVALID_THREAT")
        with self.assertRaises(InvalidThreat):
            writer.write_threat({"details": "x"})  # type: ignore[arg-type]
        self.assertEqual(writer.stats().published, 0)

    def test_what_is_too_large(self) -> None:
        small, large = self.writer(name="small"), self.writer(max_events=16384)
        # More than a reader in JavaScript takes, and more than a quarter of a ring.
        most = 2**20 - len("test")
        for writer, details in ((large, "x" * (most + 1)), (small, "x" * 6000)):
            with self.assertRaises(RingError) as raised:
                writer.write_threat(threat(details))
            self.assertEqual(raised.exception.code, "ERR_EVENT_TOO_LARGE")
            self.assertEqual(writer.stats().published, 0)
        self.assertEqual(large.write_threat(threat("x" * most)), 1)

    def test_batches_are_whole(self) -> None:
        writer = self.writer()
        self.assertEqual(writer.write_threats(threat(str(at)) for at in range(16)), 16)
        with self.assertRaises(RingError) as raised:
            writer.write_threats(threat(str(at)) for at in range(17))
        self.assertEqual(raised.exception.code, "ERR_BATCH_TOO_LARGE")
        with self.assertRaises(InvalidThreat):
            writer.write_threats([threat(), threat(None)])  # type: ignore[arg-type]
        with self.assertRaises(InvalidThreat):
            writer.write_threats([])
        self.assertEqual(writer.write_threat(threat()), 17)
        self.assertEqual(writer.stats().published, 17)

    def test_an_interrupt_leaves_no_half_of_a_batch(self) -> None:
        writer, client = self.writer(), self.client()
        stage = writer._library.writer_stage
        count = 0

        def interrupted(*arguments: Any) -> int:
            nonlocal count
            count += 1
            if count == 3:
                raise KeyboardInterrupt
            return int(stage(*arguments))

        with mock.patch.object(writer._library, "writer_stage", interrupted):
            with self.assertRaises(KeyboardInterrupt):
                writer.write_threats([threat("half")] * 4)
        writer.write_threats([threat("whole")] * 2)
        self.assertEqual([item.details for item in self.all(client)], ["whole"] * 2)

    def test_many_threads(self) -> None:
        """Each batch stays in one piece, and each sequence is given once."""
        size, rounds, count = 32, 50, 4
        writer = self.writer(max_events=16384)
        client = self.client()
        ends: list[int] = []

        def write(name: str) -> None:
            for _ in range(rounds):
                ends.append(writer.write_threats([threat(name)] * size))

        threads = [threading.Thread(target=write, args=(str(at),)) for at in range(count)]
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(before)
        total = size * rounds * count
        self.assertEqual(sorted(ends), list(range(size, total + 1, size)))
        details = {item.sequence: item.details for item in self.all(client)}
        self.assertEqual(sorted(details), list(range(1, total + 1)))
        for end in ends:
            self.assertEqual(len({details[end - at] for at in range(size)}), 1)

    def all(self, client: Any) -> list[Threat]:
        threats: list[Threat] = []
        while items := client.read():
            for item in items:
                assert isinstance(item, Threat), item
                threats.append(item)
        return threats

    def test_options(self) -> None:
        wrong: list[dict[str, Any]] = [
            {"max_events": -1},
            {"max_events": 2**32},
            {"max_events": 1.5},
            {"overflow": "wait"},
            {"priority_severity": "None"},
            {"reader_timeout_ms": "5"},
            {"name": "a/b"},
            {"name": "a\0b"},
            {"name": ""},
            {"huge_pages": "on"},
            {"huge_pages": True},
            {"huge_pages": None},
            {"numa_node": -1},
            {"numa_node": 1024},
            {"numa_node": True},
            {"numa_node": "0"},
        ]
        for options in wrong:
            with self.subTest(options=options), self.assertRaises(InvalidOption) as raised:
                self.writer(**options)
            self.assertEqual(raised.exception.code, "ERR_INVALID_OPTION")
        info = self.writer(
            name="other", max_events=100, enable_checksums=False, priority_events=0
        ).info()
        self.assertEqual((info.capacity, info.checksums, info.priority_events), (128, False, 0))
        self.assertEqual(info.path, f"{self.directory}/other.shm")
        # 1 MB is not enough for 65,536 slots.
        with self.assertRaises(RingError):
            self.writer(name="third", max_events=65536, max_bytes=2**20)

    def test_only_one(self) -> None:
        first = self.writer()
        with self.assertRaises(RingLocked) as raised:
            self.writer()
        self.assertEqual(raised.exception.code, "ERR_RING_LOCKED")
        first.write_threat(threat())
        first.close()
        with self.writer() as second:
            self.assertEqual(second.write_threat(threat()), 2)
        self.assertTrue(second.closed)
        # Nobody holds it any more, nor when it is forgotten instead of closed.
        third = SharedMemoryIpc(self.directory)
        ended = weakref.ref(third)
        del third
        gc.collect()
        self.assertIsNone(ended())
        self.writer()

    def test_full(self) -> None:
        writer = self.writer(overflow="reject", reader_timeout_ms=60_000)
        client = self.client(reliable=True)
        written = 0
        with self.assertRaises(RingFull) as raised:
            while True:
                writer.write_threat(threat(str(written)))
                written += 1
        self.assertEqual(raised.exception.code, "ERR_RING_FULL")
        self.assertLessEqual(written, 64)
        self.assertFalse(writer.wait_for_space(0.02))
        [reader] = writer.readers()
        self.assertEqual((reader.lag, reader.alive, reader.evicted), (written, True, False))
        self.assertEqual(writer.stats().rejected, 1)

        threading.Timer(0.05, client.read).start()
        self.assertTrue(writer.wait_for_space())
        writer.write_threat(threat("more"))
        self.assertEqual(client.stats().lost, 0)
        with self.assertRaises(RingError) as too_many:
            writer.wait_for_space(1, slots=17)
        self.assertEqual(too_many.exception.code, "ERR_INVALID_ARGUMENT")

    def test_close_ends_a_wait(self) -> None:
        writer = self.writer(overflow="reject", reader_timeout_ms=60_000)
        self.client(reliable=True)
        with self.assertRaises(RingFull):
            while True:
                writer.write_threat(threat())
        ends: list[str] = []

        def wait() -> None:
            try:
                writer.wait_for_space()
            except Closed as error:
                ends.append(error.code)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.05)
        writer.close()
        thread.join(30)
        self.assertEqual(ends, ["ERR_CLOSED"])

    def test_closed(self) -> None:
        writer = self.writer()
        writer.close()
        writer.close()
        calls: list[Any] = [
            lambda: writer.write_threat(threat()),
            lambda: writer.write_threats([threat()]),
            lambda: writer.wait_for_space(1, slots=1),
            lambda: writer.wait_for_space(),
            writer.beat,
            writer.stats,
            writer.info,
            writer.memory,
            writer.readers,
        ]
        for call in calls:
            with self.assertRaises(Closed):
                call()

    def test_a_thread_beats(self) -> None:
        """It makes a ring that was removed anew, and the old one's reader follows."""
        writer, client = self.writer(), self.client()
        writer.write_threat(threat("first"))
        self.path.unlink()
        self.soon(self.path.exists)
        writer.write_threat(threat("second"))
        details = [next(client).details for _ in range(2)]  # type: ignore[union-attr]
        self.assertEqual(details, ["first", "second"])
        self.assertEqual(client.losses, {})

    def test_a_beat_keeps_nothing(self) -> None:
        """It ends with its writer, which it does not keep alive."""

        class Writer:
            closed = False
            beats = 0

            def beat(self) -> None:
                type(self).beats += 1

        with mock.patch("kindly_guard_ipc.native.heartbeat._SECONDS", 0.001):
            writer = Writer()
            Heartbeat(writer)
            self.soon(lambda: Writer.beats > 2)
            ended = weakref.ref(writer)
            del writer
            self.soon(lambda: ended() is None)
            self.soon(lambda: not self.beating())

    def beating(self) -> bool:
        return any(thread.name == "kindly-guard-beat" for thread in threading.enumerate())

    def soon(self, condition: Any) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)

    def test_nobody_beats(self) -> None:
        writer = self.writer(beats=False)
        # Those of others may not have ended yet.
        self.soon(lambda: not self.beating())
        self.path.unlink()
        writer.beat()
        self.assertTrue(self.path.exists())
        self.assertEqual(writer.stats().replaced, 1)

    def test_forked(self) -> None:
        writer = self.writer()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                try:
                    writer.write_threat(threat())
                except Forked:
                    writer.close()
                    status = 7
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        self.assertEqual(writer.write_threat(threat()), 1)


if __name__ == "__main__":
    unittest.main()
