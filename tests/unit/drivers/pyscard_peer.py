"""What pyscard is to our reader: its functions with the numbers that they give, and a chip behind.

It understands good calls only; what goes wrong is put in by a test through `fails` and `hangs`. It
stands where pyscard is imported from, because that is the edge of what is ours.
"""

import sys
from dataclasses import dataclass, field
from threading import Event
from types import ModuleType
from typing import Any

import pytest

from tests.unit.drivers.encoder_peer import Chip

NAME = "Maker Reader [CCID] (1234)"


@dataclass
class Pyscard:
    """`calls` are all calls that were made; `fails` says of a function which number it gives."""

    chip: Chip | None = field(default_factory=Chip)
    readers: list[str] = field(default_factory=lambda: [f"{NAME} 00 00"])
    attributes: dict[int, bytes] = field(default_factory=dict)
    fails: dict[str, int] = field(default_factory=dict)
    chip_to_be_noticed: Chip | None = None
    hangs: Event | None = None
    state: int | None = None
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    SCARD_SCOPE_USER = 0
    SCARD_SHARE_EXCLUSIVE, SCARD_SHARE_DIRECT = 1, 3
    SCARD_PROTOCOL_T0, SCARD_PROTOCOL_T1 = 1, 2
    SCARD_LEAVE_CARD, SCARD_UNPOWER_CARD = 0, 2
    SCARD_STATE_UNAWARE, SCARD_STATE_UNKNOWN, SCARD_STATE_UNAVAILABLE = 0, 4, 8
    SCARD_STATE_EMPTY, SCARD_STATE_PRESENT = 0x10, 0x20
    SCARD_PCI_T0, SCARD_PCI_T1 = "T0", "T1"

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("SCard"):
            raise AttributeError(name)
        answer = getattr(self, f"_{name.removeprefix('SCard').lower()}")

        def call(*arguments: Any) -> Any:
            self.calls.append((name, arguments))
            return answer(self.fails.get(name, 0), *arguments)

        return call

    def names(self, begin: int = 0) -> list[str]:
        """Return the names of the functions that were called."""
        return [name.removeprefix("SCard") for name, _ in self.calls[begin:]]

    def _establishcontext(self, code: int, _scope: int) -> Any:
        return code, "context"

    def _listreaders(self, code: int, _context: str, _groups: list[str]) -> Any:
        return (code or (0 if self.readers else 0x8010002E)), self.readers

    def _connect(self, code: int, _context: str, _name: str, share: int, _protocols: int) -> Any:
        if share == self.SCARD_SHARE_EXCLUSIVE and self.chip is None:
            code = code or 0x8010000C
        return code, "handle", self.SCARD_PROTOCOL_T1

    def _reconnect(self, code: int, *_: Any) -> Any:
        return code, self.SCARD_PROTOCOL_T1

    def _getattrib(self, code: int, _handle: str, tag: int) -> Any:
        value = self.attributes.get(tag)
        return (code or 0x8010001F if value is None else code), list(value or b"")

    def _getstatuschange(self, code: int, _context: str, wait_ms: int, states: Any) -> Any:
        if wait_ms and self.chip is None:
            self.chip = self.chip_to_be_noticed
        present = self.SCARD_STATE_PRESENT if self.chip else self.SCARD_STATE_EMPTY
        state = present if self.state is None else self.state
        return code, [(states[0][0], state, [])]

    def _transmit(self, code: int, _handle: str, header: str, command: list[int]) -> Any:
        assert header == self.SCARD_PCI_T1
        if self.hangs is not None:
            self.hangs.wait(30.0)
        assert self.chip is not None
        return (code, []) if code else (0, list(self.chip.apdu(bytes(command))))

    def _disconnect(self, code: int, _handle: str, _disposition: int) -> Any:
        return code

    def _releasecontext(self, code: int, _context: str) -> Any:
        return code


@pytest.fixture
def pyscard(monkeypatch: pytest.MonkeyPatch) -> Pyscard:
    """Put it where pyscard would be imported from."""
    scard = Pyscard()
    package = ModuleType("smartcard")
    package.scard = scard  # type: ignore[attr-defined]  # a module is what one puts into it
    monkeypatch.setitem(sys.modules, "smartcard", package)
    return scard
