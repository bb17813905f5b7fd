"""A client of a Shield's WebSocket, made from docs/websocket.md alone.

    python3 websocket_client.py FOLDER socket|port COUNT SUBSCRIBE
    python3 websocket_client.py proofs TOKEN NONCE CHALLENGE

Finds the Shield by the discovery file in FOLDER, proves that it knows the token,
checks the Shield's proof, sends the command SUBSCRIBE, and prints each message
until COUNT threats have come. `proofs` prints the four proofs of these values.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import socket
import stat
import struct
import sys
from typing import Any, NoReturn

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTEXT = "kindly-guard-ipc websocket proof 1"
_CHALLENGE = re.compile(r'KindlyGuard nonce="([0-9a-f]{108})"')
_MAX_FILE_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 8 * 1024
_SECONDS = 30.0

_TEXT, _CLOSE, _PING = 1, 8, 9
_PONG = 10


class Refused(Exception):
    """The other end is no Shield, or does not want this client."""


def proof(token: str, role: str, nonce: str, challenge: str, where: str) -> str:
    text = "\n".join([_CONTEXT, role, nonce, challenge, where])
    return hmac.new(bytes.fromhex(token), text.encode(), hashlib.sha256).hexdigest()


def discover(folder: str, name: str = "kindly-guard") -> dict[str, Any]:
    info = os.lstat(folder)
    if info.st_uid != os.geteuid() or info.st_mode & 0o077:
        raise Refused(f"{folder} is open to others")
    path = os.path.join(folder, f"{name}.json")
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:
        info = os.fstat(handle)
        if (
            not stat.S_ISREG(info.st_mode)
            or info.st_uid != os.geteuid()
            or info.st_mode & 0o077
            or info.st_nlink > 1
            or info.st_size > _MAX_FILE_BYTES
        ):
            raise Refused(f"{path} is no file of this user alone")
        record: dict[str, Any] = json.loads(file.read())
    if record["version"] != 1 or record["state"] != "live":
        raise Refused(f"{path} tells of no Shield")
    return record


class Connection:
    """Bytes in both directions."""

    def __init__(self, record: dict[str, Any], way: str) -> None:
        if way == "socket":
            self.stream = socket.socket(socket.AF_UNIX)
            self.stream.settimeout(_SECONDS)
            self.stream.connect(record["socket"])
        else:
            address = (record["host"], record["port"])
            self.stream = socket.create_connection(address, timeout=_SECONDS)
        self.ahead = b""

    def read(self, count: int) -> bytes:
        while len(self.ahead) < count:
            self._more()
        data, self.ahead = self.ahead[:count], self.ahead[count:]
        return data

    def read_headers(self) -> tuple[int, dict[str, list[str]]]:
        while b"\r\n\r\n" not in self.ahead:
            if len(self.ahead) > _MAX_HEADER_BYTES:
                raise Refused("its headers do not end")
            self._more()
        head, self.ahead = self.ahead.split(b"\r\n\r\n", 1)
        status, *lines = head.decode("latin-1").split("\r\n")
        headers: dict[str, list[str]] = {}
        for line in lines:
            key, value = line.split(":", 1)
            headers.setdefault(key.lower(), []).append(value.strip())
        return int(status.split(" ")[1]), headers

    def _more(self) -> None:
        data = self.stream.recv(65536)
        if not data:
            raise Refused("it hung up")
        self.ahead += data


def _request(connection: Connection, authorization: str | None) -> str:
    key = base64.b64encode(os.urandom(16)).decode()
    lines = [
        "GET / HTTP/1.1",
        "Host: localhost",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    if authorization is not None:
        lines.append(f"Authorization: {authorization}")
    connection.stream.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def _sole(headers: dict[str, list[str]], name: str) -> str:
    values = headers.get(name, [])
    if len(values) != 1:
        raise Refused(f"it has {len(values)} headers {name}")
    return values[0]


def connect(record: dict[str, Any], way: str) -> Connection:
    """A WebSocket to a Shield that knows the token."""
    token = record["token"]
    first = Connection(record, way)
    _request(first, None)
    status, headers = first.read_headers()
    first.stream.close()
    if status != 401:
        raise Refused(f"it asks for no proof but answers {status}")
    found = _CHALLENGE.fullmatch(_sole(headers, "www-authenticate"))
    if found is None:
        raise Refused("its challenge is none")
    challenge = found[1]
    nonce = os.urandom(32).hex()
    where = "socket" if way == "socket" else str(record["port"])

    second = Connection(record, way)
    accept = _request(
        second,
        f'KindlyGuard nonce="{nonce}", challenge="{challenge}", '
        f'proof="{proof(token, "client", nonce, challenge, where)}"',
    )
    status, headers = second.read_headers()
    if status not in (101, 503):
        raise Refused(f"it answers {status}")
    wanted = proof(token, "server", nonce, challenge, where)
    if not hmac.compare_digest(_sole(headers, "kindlyguard-proof"), wanted):
        raise Refused("it does not know the token")
    if status == 503 or _sole(headers, "sec-websocket-accept") != accept:
        raise Refused(f"it answers {status}")
    return second


def _send(connection: Connection, opcode: int, data: bytes) -> None:
    mask = os.urandom(4)
    length = len(data)
    if length < 126:
        size = struct.pack("!B", 0x80 | length)
    else:
        size = struct.pack("!BH", 0x80 | 126, length)
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    connection.stream.sendall(struct.pack("!B", 0x80 | opcode) + size + mask + masked)


def _receive(connection: Connection) -> tuple[int, bytes]:
    """A whole message, or a control frame."""
    whole, kind = b"", 0
    while True:
        first, second = connection.read(2)
        opcode, length = first & 15, second & 127
        if length == 126:
            (length,) = struct.unpack("!H", connection.read(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", connection.read(8))
        data = connection.read(length)
        if opcode >= _CLOSE:
            return opcode, data
        kind = kind or opcode
        whole += data
        if first & 0x80:
            return kind, whole


def _follow(connection: Connection, count: int) -> None:
    threats = 0
    while threats < count:
        opcode, data = _receive(connection)
        if opcode == _PING:
            _send(connection, _PONG, data)
        elif opcode == _CLOSE:
            code = struct.unpack("!H", data[:2])[0] if data else None
            print(json.dumps({"type": "close", "code": code}), flush=True)
            return
        elif opcode == _TEXT:
            message = json.loads(data)
            print(json.dumps(message), flush=True)
            threats += len(message["threats"]) if message["type"] == "threat" else 0
    _send(connection, _CLOSE, struct.pack("!H", 1000))


def main(words: list[str]) -> None:
    if words[0] == "proofs":
        token, nonce, challenge = words[1:]
        for role in ("client", "server"):
            for where in ("9955", "socket"):
                print(proof(token, role, nonce, challenge, where))
        return
    folder, way, count, subscribe = words
    try:
        connection = connect(discover(folder), way)
        _send(connection, _TEXT, subscribe.encode())
        _follow(connection, int(count))
    except Refused as error:
        _refuse(error)


def _refuse(error: Refused) -> NoReturn:
    print(json.dumps({"type": "refused", "why": str(error)}))
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
