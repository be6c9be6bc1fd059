"""The far ends of many wires, in a process of their own: pseudo-terminals that answer at once.

Each gives the one answer that belongs to the question it was asked, and knows no other: what a
machine would think meanwhile is not what is measured. The bytes are those of the machines'
documents.
"""

import multiprocessing
import os
import select
import signal
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

#: A printer's status words, and a transport's state registers (unit 10) with their check sums.
PRINTER_ASKED, PRINTER_SAYS = b"\x1bRpst\r", b"2080000000000000" * 2 + b"\0"
TRANSPORT_ASKED = bytes.fromhex("0A 04 00 00 00 06 71 73")
TRANSPORT_SAYS = bytes.fromhex("0A 04 0C 00 01 00 02 00 02 00 00 00 00 00 01 21 2C")
ANSWERS = {PRINTER_ASKED: PRINTER_SAYS, TRANSPORT_ASKED: TRANSPORT_SAYS}
STARTING_TIMEOUT_S = 20.0
_READ_BYTES_MAX = 4096


class FarEndsFailed(Exception):
    """The process with the far ends did not come up."""


@contextmanager
def far_ends(count: int) -> Iterator[list[str]]:
    """Give the paths of pseudo-terminals that answer for as long as the context is open."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(count, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(STARTING_TIMEOUT_S):
            raise FarEndsFailed("the far ends do not start")
        try:
            yield ours.recv()
        except EOFError as error:
            raise FarEndsFailed("the far ends have ended") from error
    finally:
        ours.close()  # which tells them to end
        process.join(STARTING_TIMEOUT_S)


def _serve(count: int, told: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    poll, unanswered, paths, held = select.epoll(), {}, [], []
    for _ in range(count):
        near, far = os.openpty()
        # Held open, so that the near end outlives whoever comes and goes.
        held.append(far)
        tty.setraw(far)
        os.set_blocking(near, False)
        poll.register(near, select.EPOLLIN)
        unanswered[near] = b""
        paths.append(os.ttyname(far))
    poll.register(told.fileno(), select.EPOLLIN)
    told.send(paths)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == told.fileno():
                return
            asked = unanswered[descriptor] + os.read(descriptor, _READ_BYTES_MAX)
            answer = ANSWERS.get(asked)
            unanswered[descriptor] = b"" if answer else asked
            if answer:
                os.write(descriptor, answer)
