"""Runs a program in a terminal of its own: in_terminal.py COLUMNS ROWS PROGRAM...

What is typed comes in on stdin, what the program writes goes to stdout. On
descriptor 3 come lines: `size COLUMNS ROWS` gives the terminal another size,
`state` asks how it is. Descriptor 4 answers in lines of JSON, the first of which
has the program's process id, and the last how it ended.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def tell(value):
    os.write(4, (json.dumps(value) + "\n").encode())


def resize(fd, columns, rows):
    size = struct.pack("HHHH", int(rows), int(columns), 0, 0)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, size)


def state(fd):
    flags = termios.tcgetattr(fd)[3]
    return {"echo": bool(flags & termios.ECHO), "lines": bool(flags & termios.ICANON)}


def read(fd):
    try:
        return os.read(fd, 65536)
    except OSError:
        # The other end of a terminal is closed.
        return b""


def main():
    columns, rows, *program = sys.argv[1:]
    pid, fd = pty.fork()
    if pid == 0:
        resize(0, columns, rows)
        os.close(3)
        os.close(4)
        os.execvp(program[0], program)
    tell({"pid": pid})
    inputs = [fd, 0, 3]
    lines = b""
    while fd in inputs:
        ready, _, _ = select.select(inputs, [], [])
        for each in ready:
            data = read(each)
            if data == b"":
                inputs.remove(each)
            elif each == fd:
                os.write(1, data)
            elif each == 0:
                os.write(fd, data)
            else:
                lines += data
                *whole, lines = lines.split(b"\n")
                for line in whole:
                    word, *rest = line.decode().split()
                    if word == "size":
                        resize(fd, *rest)
                    else:
                        tell(state(fd))
    _, status = os.waitpid(pid, 0)
    end = {"code": None, "signal": None}
    if os.WIFSIGNALED(status):
        end["signal"] = os.WTERMSIG(status)
    else:
        end["code"] = os.WEXITSTATUS(status)
    tell({**end, **state(fd)})


main()
