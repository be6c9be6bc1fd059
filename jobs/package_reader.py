"""Packages as they arrive: one pass over the XML of `package.xsd`, a record at a time.

Whatever makes the file as a whole unusable raises `PackageBroken`; memory stays within one record
and the list of acceptance numbers, whatever is sent. What a record *says* is judged in
`package_checks`, not here, and nothing is remembered of packages read before.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import DefusedExpatParser

from jobs.application import IDENTIFIERS, moment
from jobs.citizen_number import real_date
from jobs.package_text import PackageBroken, PackageLimits, PackageText

__all__ = [
    "Package",
    "PackageBroken",
    "PackageHeader",
    "PackageLimits",
    "PackageRecord",
    "read_package",
]

_ROOT, _HEADER, _RECORD = "zzjh", "bt", "jl"
_HEADER_FIELDS = frozenset(("sjbbh", "fsdw", "scsj", "jls"))
_PHOTO = "sdxp"
_XML_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class PackageHeader:
    """What the package says of itself."""

    package_number: str  # sjbbh: unit code 12, YYYYMMDD, serial 5
    unit_code: str  # fsdw
    sent_at: datetime  # scsj
    record_count: int  # jls


@dataclass(frozen=True, slots=True, repr=False)
class PackageRecord:
    """One application as it was sent: identifier to text, not judged; absent is empty."""

    index: int  # from 1
    line: int
    fields: dict[str, str]

    def __repr__(self) -> str:
        return f"PackageRecord(index={self.index}, line={self.line})"

    def text(self, identifier: str) -> str:
        """Return a field's text without the blanks around it."""
        return self.fields.get(identifier, "")

    @property
    def acceptance_number(self) -> str:
        """The number that the authority knows the record by; not checked."""
        return self.text("slh")


class Package:
    """A package being read: the header at once, the records while iterating, once."""

    def __init__(self, stream: BinaryIO, file_name: str, limits: PackageLimits) -> None:
        self._source = PackageText(stream, limits)
        self._parser = DefusedExpatParser(forbid_dtd=True)
        self._structure = _Structure(file_name, limits, lambda: _line(self._parser))
        self._parser.setContentHandler(self._structure)
        self._steps = self._read(limits)
        while self._structure.header is None:
            next(self._steps)
        self.header = self._structure.header

    def __iter__(self) -> Iterator[PackageRecord]:
        """Yield each record; raises `PackageBroken` wherever the file turns out to be broken.

        Only after the last record is the whole file known to be sound.
        """
        yield from self._structure.take_ready()
        for _ in self._steps:
            yield from self._structure.take_ready()

    def digest(self) -> str:
        """Return the SHA-256 of the bytes read so far: of the file, after the last record."""
        return self._source.digest.hexdigest()

    def _read(self, limits: PackageLimits) -> Iterator[None]:
        """Feed the parser piece by piece; the last step is made only by a sound end."""
        waiting, groups_closed = 0, 0
        for piece in self._source.pieces():
            _parse(self._parser, piece, "malformed", "the file is not well-formed XML")
            waiting = 0 if self._structure.groups_closed > groups_closed else waiting + len(piece)
            groups_closed = self._structure.groups_closed
            if waiting > limits.record_characters_max:
                raise PackageBroken(
                    "too_big", "one record or token is too long", _line(self._parser)
                )
            yield
        _parse(self._parser, None, "cut_off", "the file ends before its last element does")
        yield


def read_package(stream: BinaryIO, file_name: str, limits: PackageLimits) -> Package:
    """Read up to the header of a package; iterate over the result for its records.

    `stream` is buffered; `file_name` is the bare name, which must agree with the header.
    """
    return Package(stream, file_name, limits)


def _line(parser: DefusedExpatParser) -> int:
    return parser.getLineNumber() or 0


def _parse(parser: DefusedExpatParser, piece: str | None, code: str, detail: str) -> None:
    """Feed one piece, or end the document with None; the parser's own errors become ours."""
    try:
        if piece is None:
            parser.close()
        else:
            parser.feed(piece)
    except DefusedXmlException:
        raise PackageBroken(
            "doctype", "document types and entities are not allowed", _line(parser)
        ) from None  # the cause quotes the document
    except SAXParseException as error:
        raise PackageBroken(code, detail, error.getLineNumber() or 0) from error


class _Structure(ContentHandler):
    """Holds the elements against `package.xsd` as they come and collects them into records."""

    def __init__(self, file_name: str, limits: PackageLimits, line: Callable[[], int]) -> None:
        super().__init__()
        self._line = line
        self._file_name = file_name
        self._limits = limits
        self._path: list[str] = []
        self._fields: dict[str, str] = {}
        self._parts: list[str] = []
        self._characters = 0
        self._group_line = 0
        self._records = 0
        self._acceptance_numbers: set[str] = set()
        self._ready: list[PackageRecord] = []
        self.header: PackageHeader | None = None
        self.groups_closed = 0

    def take_ready(self) -> list[PackageRecord]:
        """Hand over the records that are complete."""
        ready, self._ready = self._ready, []
        return ready

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802  (SAX's name)
        match len(self._path):
            case 0:
                self._begin_root(name, dict(attrs))
            case 1:
                self._begin_group(name)
            case 2:
                allowed = _HEADER_FIELDS if self._path[1] == _HEADER else IDENTIFIERS
                if name not in allowed:
                    raise self._broken("schema", "an element is unknown in its place")
                if name in self._fields:
                    raise self._broken("schema", f"{name} stands twice")
            case _:
                raise self._broken("schema", "an element stands inside a field")
        if self._path and len(attrs):
            raise self._broken("schema", "only the root has attributes")
        self._path.append(name)

    def characters(self, content: str) -> None:
        if len(self._path) < 3:
            if content.strip(_XML_SPACE):
                raise self._broken("schema", "text stands between elements")
            return
        self._characters += len(content)
        is_photo = self._path[2] == _PHOTO
        limits = self._limits
        if self._characters > (
            limits.photo_characters_max if is_photo else limits.text_characters_max
        ):
            raise self._broken("too_big", f"{self._path[2]} is too long")
        self._parts.append(content)

    def endElement(self, name: str) -> None:  # noqa: N802  (SAX's name)
        self._path.pop()
        match len(self._path):
            case 2:
                text = "".join(self._parts)
                self._fields[name] = (
                    "".join(text.split()) if name == _PHOTO else text.strip(_XML_SPACE)
                )
                self._parts.clear()
                self._characters = 0
            case 1:
                self._end_group(name)
                self._fields = {}
                self.groups_closed += 1
            case _:
                self._expect_all_records()

    def _begin_root(self, name: str, attributes: dict[str, str]) -> None:
        version = attributes.pop("version", "")
        foreign = [key for key in attributes if not key.startswith(("xmlns:", "xsi:"))]
        if name != _ROOT or foreign:
            raise self._broken("schema", f"the root is not {_ROOT}")
        if version != "1":
            raise self._broken("schema", "the version is not 1")

    def _begin_group(self, name: str) -> None:
        expected = _HEADER if self.header is None else _RECORD
        if name != expected:
            raise self._broken("schema", f"{expected} is expected here")
        self._group_line = self._line()

    def _end_group(self, name: str) -> None:
        if name == _HEADER:
            self.header = self._read_header()
            return
        assert self.header is not None
        self._records += 1
        if self._records > self.header.record_count:
            raise self._broken("count", "there are more records than the header says")
        record = PackageRecord(self._records, self._group_line, self._fields)
        number = record.acceptance_number
        if number and number in self._acceptance_numbers:
            raise self._broken("duplicate", f"record {record.index} repeats an acceptance number")
        self._acceptance_numbers.add(number)
        self._ready.append(record)

    def _read_header(self) -> PackageHeader:
        number, unit = self._fields.get("sjbbh", ""), self._fields.get("fsdw", "")
        if not _is_package_number(number):
            raise self._broken("number", "sjbbh is not unit code, date and serial of 25 digits")
        if unit != number[:12]:
            raise self._broken("number", "fsdw is not the unit of the package number")
        if self._file_name != self._limits.file_name_template.format(package_number=number):
            raise self._broken("file_name", "the file's name does not fit its package number")
        count = self._fields.get("jls", "")
        if not re.fullmatch("[0-9]{1,5}", count) or not 1 <= int(count) <= self._limits.records_max:
            raise self._broken("count", f"jls is not 1 to {self._limits.records_max}")
        try:
            sent_at = moment(self._fields.get("scsj", ""))
        except ValueError:
            raise self._broken("schema", "scsj is not a moment YYYYMMDDhhmmss") from None
        return PackageHeader(number, unit, sent_at, int(count))

    def _expect_all_records(self) -> None:
        if self.header is None:
            raise self._broken("schema", f"there is no {_HEADER}")
        if self._records < self.header.record_count:
            raise self._broken("count", "there are fewer records than the header says")

    def _broken(self, code: str, detail: str) -> PackageBroken:
        return PackageBroken(code, detail, self._line())


def _is_package_number(text: str) -> bool:
    return bool(
        re.fullmatch("[0-9]{25}", text)
        and text[20:] != "00000"
        and real_date(text[12:20]) is not None
    )
