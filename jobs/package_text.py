"""A package's bytes as text: its encoding, its limits, its digest, and what makes it unusable.

It knows nothing of XML elements; those are `package_reader`'s.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import BinaryIO

from jobs.errors import JobsError

_CHUNK_BYTES = 64 * 1024
_DECLARED_ENCODING = re.compile(
    rb"(?:\xef\xbb\xbf)?<\?xml[^>]{0,100}?\sencoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']"
)
_DECODERS = {"UTF-8": "utf-8-sig", "GB18030": "gb18030"}


class PackageBroken(JobsError):
    """The package is unusable as a whole; `code` says which way, `line` where it was noticed."""

    def __init__(self, code: str, detail: str, line: int = 0) -> None:
        self.code = f"package.{code}"  # type: ignore[misc]  # one class, a code for each way
        self.detail = detail
        self.line = line
        super().__init__(f"{detail} (line {line})" if line else detail)


@dataclass(frozen=True, slots=True)
class PackageLimits:
    """What a package may be at most, so that a hostile one costs little, and what it is called."""

    records_max: int = 99_999  # a package serial counts five digits of records upstream
    bytes_max: int = 4 * 1024**3  # 99,999 records with photos of 20 KB come to 2.8 GB
    record_characters_max: int = 512 * 1024  # also bounds any token, comment or run of blanks
    photo_characters_max: int = 256 * 1024  # base64; ten times a usual photo
    text_characters_max: int = 200  # the widest column upstream holds 70
    file_name_template: str = "ZAGL_ZZJH_{package_number}.XML"


class PackageText:
    """Bytes to text: the encodings, the size and the digest of a package."""

    def __init__(self, stream: BinaryIO, limits: PackageLimits) -> None:
        self._stream = stream
        self._limits = limits
        self._line = 1
        self.digest = sha256()

    def pieces(self) -> Iterator[str]:
        """Yield the text piece by piece."""
        chunk = self._stream.read(_CHUNK_BYTES)
        if not chunk:
            raise PackageBroken("cut_off", "the file is empty")
        decoder = codecs.getincrementaldecoder(_encoding(chunk))()
        size = 0
        while chunk:
            size += len(chunk)
            if size > self._limits.bytes_max:
                raise PackageBroken("too_big", "the file is too big", self._line)
            if b"\0" in chunk:
                raise PackageBroken("zeros", "the file holds zero bytes", self._line)
            self.digest.update(chunk)
            yield self._decode(decoder, chunk)
            self._line += chunk.count(b"\n")
            chunk = self._stream.read(_CHUNK_BYTES)
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            # The cause would carry the bytes, which are a person's.
            raise PackageBroken("cut_off", "the file ends within a character", self._line) from None

    def _decode(self, decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
        try:
            return decoder.decode(chunk)
        except UnicodeDecodeError as error:
            line = self._line + chunk[: error.start].count(b"\n")
            raise PackageBroken(
                "encoding", "the bytes do not fit the declared encoding", line
            ) from None


def _encoding(head: bytes) -> str:
    """Return the codec for the declared encoding; without a declaration XML means UTF-8."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")):
        raise PackageBroken("encoding", "the file is UTF-16; UTF-8 and GB18030 are read", 1)
    declared = _DECLARED_ENCODING.match(head)
    name = declared.group(1).decode().upper() if declared else "UTF-8"
    if name not in _DECODERS:
        raise PackageBroken("encoding", "the declared encoding is not UTF-8 or GB18030", 1)
    return _DECODERS[name]
