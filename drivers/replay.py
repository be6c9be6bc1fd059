"""A machine made of what was captured of one: a wire that expects what the captured host sent.

For tests: a driver that puts other bytes on the wire than before is seen. It knows no protocol and
keeps no pace: answers come at once. Where the machine was silent this wire is silent too, so that
the driver's own time-outs run as they did. A driver that draws random numbers must be handed the
same ones.
"""

import asyncio
import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from drivers.tap import Traffic

VERSION = 1
#: Longer bytes are deflated: a bitmap is mostly white.
HEX_BYTES_MAX = 128


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that happened on a wire, in the order of its number, which counts from 1."""

    number: int
    at_us: int  # since the capture began
    what: Traffic
    data: bytes = b""


class ReplayDiffers(Exception):
    """The driver does not do what the captured host did; tells lengths, never bytes."""

    code = "replay.differs"

    def __init__(
        self,
        number: int,
        text: str,
        *,
        expected_bytes: int = 0,
        got_bytes: int = 0,
        offset: int = 0,
    ) -> None:
        self.number = number
        self.expected_bytes = expected_bytes
        self.got_bytes = got_bytes
        self.offset = offset
        super().__init__(f"record {number}: {text}")


class NoVector(Exception):
    """This text is no test vector of a wire."""

    code = "replay.no_vector"


class ReplayWire:
    """One wire's life, from its records. At the end `check_ended` says whether all of it came."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._records = [one for one in records if one.what is not Traffic.OPENED]
        self._at = 0
        self._sent_of_it = 0
        self._sent = asyncio.Event()
        self._closed = False
        self._difference: ReplayDiffers | None = None

    async def send(self, data: bytes) -> None:
        """Compare with what was sent; how it was cut into pieces makes no difference."""
        self._check_open()
        rest = data
        while rest:
            rest = self._compare(rest, len(data))
        self._sent.set()

    async def receive(self) -> bytes:
        """Return what the machine answered, piece by piece; wait where it said nothing."""
        while True:
            self._check_open()
            record = self._next("the driver waits for more than was captured")
            if record.what is Traffic.RECEIVED:
                self._at += 1
                return record.data
            if self._sent_of_it:
                raise self._differs(
                    record,
                    f"the driver waits for an answer after {self._sent_of_it} "
                    f"of {len(record.data)} bytes",
                )
            self._sent.clear()
            await self._sent.wait()

    async def aclose(self) -> None:
        """Close; who waits gets `ConnectionError`."""
        self._closed = True
        self._sent.set()

    def check_ended(self) -> None:
        """Raise if anything differed, even if the driver kept it quiet, or has not come."""
        if self._difference is not None:
            raise self._difference
        if self._at < len(self._records):
            record = self._records[self._at]
            if record.what is not Traffic.CLOSED:
                raise self._differs(
                    record,
                    f"the driver has ended; {len(record.data)} bytes were {record.what.value} next",
                    expected_bytes=len(record.data),
                )

    def _check_open(self) -> None:
        if self._difference is not None:
            raise self._difference
        if self._closed:
            raise ConnectionAbortedError("this wire is closed")

    def _next(self, otherwise: str) -> Record:
        if self._at == len(self._records):
            last = self._records[-1] if self._records else Record(0, 0, Traffic.CLOSED)
            raise self._differs(last, f"{otherwise}; this is the last one")
        return self._records[self._at]

    def _compare(self, data: bytes, whole_bytes: int) -> bytes:
        """Take one record's share of what is sent; return the rest."""
        record = self._next(f"the driver sends {len(data)} bytes more than was captured")
        if record.what is not Traffic.SENT:
            raise self._differs(
                record,
                f"the driver sends {len(data)} bytes; "
                f"{len(record.data)} bytes were {record.what.value} here",
                expected_bytes=len(record.data),
                got_bytes=len(data),
            )
        expected = record.data[self._sent_of_it :]
        got = data[: len(expected)]
        if got != expected[: len(got)]:
            offset = self._sent_of_it + _first_difference(got, expected)
            raise self._differs(
                record,
                f"{len(record.data)} bytes were sent here, the driver sends {whole_bytes}; "
                f"they differ from byte {offset} on",
                expected_bytes=len(record.data),
                got_bytes=whole_bytes,
                offset=offset,
            )
        self._sent_of_it += len(got)
        if self._sent_of_it == len(record.data):
            self._at, self._sent_of_it = self._at + 1, 0
        return data[len(got) :]

    def _differs(self, record: Record, text: str, **facts: int) -> ReplayDiffers:
        self._difference = ReplayDiffers(record.number, text, **facts)
        return self._difference


def lives(records: Iterable[Record]) -> list[list[Record]]:
    """Return the records of each wire that was open in turn; a capture may begin amid one."""
    found: list[list[Record]] = []
    for record in records:
        if record.what is Traffic.OPENED or not found:
            found.append([])
        found[-1].append(record)
    return found


def vector_head(facts: Mapping[str, Any]) -> str:
    """Return the first line of a test vector: what it is and where it comes from."""
    return _line({"cardcentre_vector": VERSION, **facts})


def vector_line(record: Record) -> str:
    """Return one record as a line of a test vector."""
    fields: dict[str, Any] = {"at_us": record.at_us, "what": record.what.value}
    if len(record.data) > HEX_BYTES_MAX:
        fields["deflated"] = base64.b64encode(zlib.compress(record.data, 9)).decode()
    elif record.data:
        fields["hex"] = record.data.hex()
    return _line(fields)


def read_vector(text: str) -> list[Record]:
    """Return the records of a test vector, or raise `NoVector`."""
    number = 0
    try:
        head, *lines = [json.loads(line) for line in text.splitlines()]
        if head["cardcentre_vector"] != VERSION:
            raise NoVector(f"a test vector of version {head['cardcentre_vector']}")
        found = []
        for number, fields in enumerate(lines, start=1):
            found.append(Record(number, fields["at_us"], Traffic(fields["what"]), _data(fields)))
    except (ValueError, KeyError, TypeError, zlib.error) as error:
        raise NoVector(f"no test vector, from record {number} on") from error
    return found


def _data(fields: Mapping[str, Any]) -> bytes:
    if "deflated" in fields:
        return zlib.decompress(base64.b64decode(fields["deflated"]))
    return bytes.fromhex(fields.get("hex", ""))


def _line(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) + "\n"


def _first_difference(got: bytes, expected: bytes) -> int:
    return next(index for index, byte in enumerate(got) if byte != expected[index])
