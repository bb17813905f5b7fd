"""A pointer of the library's. Nobody gets it once it is closed, and it is not freed
while somebody has it."""

from __future__ import annotations

import os
import threading
from ctypes import c_void_p
from typing import Callable, ContextManager

from ..errors import Closed, Forked

_Function = Callable[[c_void_p], None]
_AGAIN_SECONDS = 0.02


def refuse_child(pid: int) -> None:
    if os.getpid() != pid:
        raise Forked("This object is the parent's. Open a ring of its own in the child.")


class Turn:
    """A lock of one process: `with turn():`. Its child may have it for ever: it gets
    Forked. What `with` enters is the lock itself, between whose taking and its block
    no signal's handler can raise."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()

    def __call__(self) -> ContextManager[bool]:
        refuse_child(self._pid)
        return self._lock


class Handle:
    """`with handle as pointer` around each call. close() ends a call that waits, by
    `interrupt`, and frees the pointer behind the last call. A signal's handler may
    call it in the middle of one: then the end of that call frees it."""

    def __init__(
        self,
        pointer: c_void_p,
        free: _Function,
        interrupt: _Function,
        adopt: _Function | None = None,
    ) -> None:
        self._pointer: c_void_p | None = pointer
        self._free = free
        self._interrupt = interrupt
        # A library with KG_DEBUG wants to know which thread calls.
        self._adopt = adopt
        self._pid = os.getpid()
        self._users: list[int] = []
        self._is_closing = False
        # It may be entered again by a signal's handler.
        self._changed = threading.Condition(threading.RLock())

    @property
    def closed(self) -> bool:
        return self._is_closing

    def __enter__(self) -> c_void_p:
        refuse_child(self._pid)
        # First listed and then looked, so that a handler which closes it between
        # the two sees that it is used.
        thread = threading.get_ident()
        count = self._users.count(thread)
        try:
            self._users.append(thread)
            pointer = self._pointer
            if self._is_closing or pointer is None:
                raise Closed("This object is closed. Create a new one.")
            if self._adopt is not None:
                self._adopt(pointer)
            return pointer
        except BaseException:
            # A signal's handler may raise at any time; __exit__ does not come then.
            if self._users.count(thread) > count:
                self._leave()
            raise

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        self._users.remove(threading.get_ident())
        if self._is_closing:
            with self._changed:
                self._free_unused()

    def _free_unused(self) -> None:
        if not self._users:
            pointer, self._pointer = self._pointer, None
            if pointer is not None:
                self._free(pointer)
            self._changed.notify_all()

    def close(self) -> None:
        if os.getpid() != self._pid:
            # A thread of the parent may have had the lock, for ever here. The
            # library frees this process's memory and nothing else.
            self._is_closing = True
            pointer, self._pointer = self._pointer, None
            if pointer is not None:
                self._free(pointer)
            return
        with self._changed:
            self._is_closing = True
            while True:
                self._free_unused()
                pointer = self._pointer
                if pointer is None:
                    return
                self._interrupt(pointer)
                if threading.get_ident() in self._users:
                    return
                self._changed.wait(_AGAIN_SECONDS)
