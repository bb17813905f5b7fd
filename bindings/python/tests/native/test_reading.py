"""The reading end."""

from __future__ import annotations

import os
import random
import select
import signal
import string
import threading
import time
import unittest
from typing import Any, Callable
from unittest import mock

from kindly_guard_ipc.native import (
    Closed,
    Forked,
    InvalidOption,
    Item,
    Loss,
    Position,
    RingTruncated,
    ShmClient,
    Threat,
)
from ends import EndsTest, threat


def said(item: Item) -> Any:
    if isinstance(item, Loss):
        return item.reason, item.count, item.first, item.last
    return item.details


class Reading(EndsTest):
    def write(self, writer: Any, first: int, last: int) -> None:
        for number in range(first, last + 1):
            writer.write_threat(threat(str(number)))

    def test_a_loop_that_is_left_goes_on(self) -> None:
        writer, client = self.writer(), self.client()
        self.write(writer, 1, 6)
        for item in client:
            if said(item) == "2":
                break
        self.assertEqual(client.position, (client.generation, 3, 0))
        self.assertEqual([said(item) for item, _ in zip(client, range(2))], ["3", "4"])
        # zip had taken one more, which is its way.
        self.assertEqual([said(item) for item in client.read()], ["6"])
        self.assertEqual(client.position, (client.generation, 7, 0))
        self.assertEqual(client.stats().received, 6)

    def test_nothing_is_lost_to_what_a_handler_raises(self) -> None:
        writer, client = self.writer(), self.client()
        self.write(writer, 1, 3)
        # As a handler does it, at any time: here behind the library's call.
        with mock.patch("kindly_guard_ipc.native.client.unpack", side_effect=KeyboardInterrupt):
            for _ in range(2):
                with self.assertRaises(KeyboardInterrupt):
                    client.read()
        self.assertEqual(client.position, (client.generation, 1, 0))
        self.write(writer, 4, 4)
        self.assertEqual([said(item) for item in client.read()], ["1", "2", "3"])
        self.assertEqual([said(item) for item in client.read()], ["4"])
        self.assertEqual(client.stats().received, 4)

    def test_what_a_loop_has_not_come_to_arms_nothing(self) -> None:
        writer, client = self.writer(), self.client()
        self.write(writer, 1, 3)
        for _ in client:
            break
        self.assertFalse(client.arm())
        self.assertEqual([said(item) for item in client.read()], ["2", "3"])
        self.assertTrue(client.arm())

    def test_poll_threats(self) -> None:
        writer = self.writer()
        self.write(writer, 1, 100)
        client = self.client()
        got: list[Any] = []

        def take(item: Threat) -> bool | None:
            got.append(item.details)
            if item.details == "40":
                raise KeyError("40")
            # None goes on.
            return False if item.details in ("38", "99") else None

        client.poll_threats(take, lambda loss: got.append(said(loss)))
        self.assertEqual(got, [("before-join", 36, 1, 36), "37", "38"])
        with self.assertRaises(KeyError):
            client.poll_threats(take)
        client.poll_threats(take)
        self.assertEqual(got[1:], [str(number) for number in range(37, 100)])
        self.assertEqual([said(item) for item in client.read()], ["100"])
        self.assertEqual(client.losses, {"before-join": 36})
        self.assertEqual((client.received, client.lost), (64, 0))

    def test_losses_by_reason(self) -> None:
        writer, client = self.writer(priority_events=0), self.client(join="latest")
        self.write(writer, 1, 200)
        items: list[Item] = []
        while batch := client.read():
            items += batch
        self.assertEqual(said(items[0]), ("overwritten", 136, 1, 136))
        self.assertEqual(client.losses, {"overwritten": 136})
        self.assertEqual((client.received, client.lost), (64, 136))

    def test_it_sleeps_until_it_is_woken(self) -> None:
        writer, client = self.writer(), self.client()
        self.assertEqual(client.wait(0), [])
        self.assertEqual(client.wait(0.01), [])
        threading.Timer(0.05, self.write, (writer, 1, 1)).start()
        self.assertEqual([said(item) for item in client.wait()], ["1"])
        self.assertEqual(writer.stats().bells, 1)

    def test_close_ends_a_wait(self) -> None:
        self.writer()
        consumers: list[Callable[[ShmClient], object]] = [
            list,
            lambda client: client.poll_threats(lambda item: None),
        ]
        for consume in consumers:
            client = self.client()
            threading.Timer(0.05, client.close).start()
            consume(client)
            self.assertTrue(client.closed)

    def test_a_signal_closes_it(self) -> None:
        """In the middle of its own call, which ends before anything is freed."""
        self.writer()
        client = self.client()
        before = signal.signal(signal.SIGALRM, lambda *_: client.close())
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            self.assertEqual(list(client), [])
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_closed(self) -> None:
        self.writer()
        client = self.client()
        client.close()
        client.close()
        calls: list[Any] = [
            client.read,
            client.wait,
            client.stats,
            client.info,
            client.memory,
            client.fileno,
            client.arm,
            lambda: client.position,
            lambda: client.writer,
            lambda: client.received,
        ]
        for call in calls:
            with self.assertRaises(Closed):
                call()
        self.assertEqual(list(client), [])

    def test_closed_while_many_use_it(self) -> None:
        """Whatever is in a call then: it gets an answer or Closed."""
        writer = self.writer()
        for _ in range(50):
            client = self.client()
            wrong: list[BaseException] = []

            def use(client: ShmClient = client) -> None:
                try:
                    while True:
                        client.read()
                        client.stats()
                        client.writer
                except Closed:
                    pass
                except BaseException as error:
                    wrong.append(error)

            threads = [threading.Thread(target=use) for _ in range(4)]
            for thread in threads:
                thread.start()
            self.write(writer, 1, 20)
            client.close()
            for thread in threads:
                thread.join(30)
                self.assertFalse(thread.is_alive())
            self.assertEqual(wrong, [])

    def test_positions(self) -> None:
        writer, client = self.writer(priority_severity="High"), self.client()
        self.write(writer, 1, 5)
        for item in client:
            if said(item) == "3":
                break
        place = client.position
        self.assertEqual(place, (client.generation, 4, 3))
        self.assertEqual([said(item) for item in self.client(join=place).read()], ["4", "5"])
        # Of a stream of which this ring knows nothing.
        other: Position = ("0123456789abcdef", 4, None)
        items = self.client(join=other).read()
        self.assertEqual(said(items[0]), ("replaced", None, None, None))
        more = self.client(join=other)
        more.read()
        self.assertEqual(more.losses, {"replaced": 0})
        for wrong in ("newest", (client.generation, 0, None), (client.generation, "4", 0)):
            with self.assertRaises(InvalidOption):
                self.client(join=wrong)

    def test_another_ring(self) -> None:
        """It follows, with the account of what it had not read."""
        first, client = self.writer(), self.client()
        self.write(first, 1, 3)
        self.assertEqual([said(item) for item in client.wait()], ["1", "2", "3"])
        generation, position = client.generation, client.position
        self.write(first, 4, 5)
        first.close()
        second = self.writer(max_events=128)
        self.write(second, 6, 7)
        late = self.client(join=position)
        # Before it was told of the loss.
        self.assertEqual(late.position, (generation, 4, None))
        self.assertEqual(said(late.read()[0]), ("replaced", 2, 4, 5))
        got = [next(client) for _ in range(4)]
        self.assertEqual([said(item) for item in got], ["4", "5", "6", "7"])
        generations = [generation] * 2 + [client.generation] * 2
        self.assertEqual([item.generation for item in got], generations)
        self.assertNotEqual(generation, client.generation)
        self.assertEqual((client.received, client.lost), (7, 0))

    def test_cut_short(self) -> None:
        """read() says so; wait() waits for the ring that takes its place."""
        writer, client = self.writer(beats=False), self.client()
        self.write(writer, 1, 3)
        os.truncate(self.path, 65536)
        with self.assertRaises(RingTruncated) as raised:
            client.read()
        self.assertEqual(raised.exception.code, "ERR_RING_TRUNCATED")
        self.assertEqual(client.wait(0.05), [])
        writer.beat()
        self.write(writer, 4, 4)
        items = [next(client) for _ in range(2)]
        self.assertEqual([said(item) for item in items], [("replaced", 3, 1, 3), "4"])
        self.assertEqual(client.losses, {"replaced": 3})

    def test_what_is_no_ring_takes_its_place(self) -> None:
        """It waits for the ring that a writer puts there instead."""
        writer, client = self.writer(beats=False), self.client()
        self.write(writer, 1, 2)
        self.assertEqual(len(client.wait()), 2)
        for content in (b"", b"no ring" * 100_000):
            other = self.path.with_suffix(".other")
            other.write_bytes(content)
            other.chmod(0o600)
            other.replace(self.path)
            self.assertEqual(client.wait(0.5), [])
        writer.beat()
        self.write(writer, 3, 3)
        self.assertEqual(said(next(client)), "3")
        self.assertEqual(client.losses, {})

    def test_descriptor(self) -> None:
        """select() finds what comes, once it is armed."""
        writer, client = self.writer(), self.client()
        self.assertTrue(client.arm())
        self.assertEqual(select.select([client], [], [], 0)[0], [])
        self.write(writer, 1, 1)
        self.assertEqual(select.select([client], [], [], 30)[0], [client])
        self.assertFalse(client.arm())
        self.assertEqual([said(item) for item in client.read()], ["1"])
        self.assertTrue(client.arm())

    def test_large_events(self) -> None:
        """An event of more slots than are read at once comes whole."""
        writer, client = self.writer(max_events=4096), self.client()
        text = "".join(random.Random(3).choices(string.printable, k=300_000))
        writer.write_threat(threat(text))
        self.assertGreater(writer.stats().bytes, 512 * 384)
        writer.write_threat(threat("behind"))
        got = [next(client) for _ in range(2)]
        self.assertEqual([said(item) for item in got], [text, "behind"])

    def test_forked(self) -> None:
        """While another thread of the parent is in a call, too."""
        writer = self.writer()
        client = self.client()
        thread = threading.Thread(target=lambda: list(client))
        thread.start()
        time.sleep(0.05)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                try:
                    client.stats()
                except Forked:
                    client.close()
                    status = 7
            finally:
                os._exit(status)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 7)
        client.close()
        thread.join(30)
        self.assertFalse(thread.is_alive())
        self.assertEqual(writer.write_threat(threat()), 1)

    def test_writer_state(self) -> None:
        writer, client = self.writer(), self.client()
        self.assertEqual(client.writer, "live")
        writer.close()
        self.assertEqual(client.writer, "gone")


if __name__ == "__main__":
    unittest.main()
