"""What a reader of numbered threats was told, checked as it comes."""

from __future__ import annotations

from kindly_guard_ipc import Loss, Threat


def texts(number: int) -> tuple[str, str]:
    return "writer", f"details {number}" + (" long" * 100 if number % 50 == 0 else "")


class Account:
    """In each generation every sequence once and in order, in a threat or a loss."""

    def __init__(self, position: tuple[str, int, int | None], join: str) -> None:
        self.generation, self.next, _ = position
        if join == "oldest":
            self.next = 1
        self.received = self.lost = self.before = 0
        #: events with priority, and losses of which nobody knows how many had it
        self.priority = self.unknown = 0
        self.reasons: dict[str, int] = {}
        self.wrong: list[str] = []

    @property
    def told(self) -> int:
        return self.received + self.lost

    def take(self, item: Threat | Loss) -> None:
        if item.generation != self.generation:
            self.generation, self.next = item.generation, 1
        if isinstance(item, Loss):
            self._lose(item)
            return
        number = item.sequence
        self.received += 1
        self.priority += item.has_priority
        got = (item.source, item.details), item.threat_type, item.severity_code
        wanted = texts(number), "PathTraversal", 1 + number % 4
        if number != self.next or (got != wanted and not item.cut):
            self.wrong.append(f"{number} {got!r} where {self.next} was expected")
        self.next = number + 1

    def _lose(self, loss: Loss) -> None:
        self.reasons[loss.reason] = self.reasons.get(loss.reason, 0) + 1
        first, last, count = loss.first, loss.last, loss.count
        if first is None or last is None or count is None:
            self.wrong.append(f"{loss}: nobody knows how many")
            return
        if first != self.next or count != last - first + 1:
            self.wrong.append(f"{loss} where {self.next} was expected")
        self.next = last + 1
        if loss.reason == "before-join":
            self.before += count
            return
        self.lost += count
        if loss.priority is None:
            self.unknown += 1
        else:
            self.priority += loss.priority
