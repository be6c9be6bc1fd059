"""One reader of the PC/SC service, through pyscard: blocking calls, and what their errors mean.

The only file that knows pyscard, which is optional. The calls wait as long as the service likes;
bounding that, and what is said to a chip, is not its business.
"""

import re
from typing import Any, Final, NoReturn
from urllib.parse import quote, unquote

from drivers.errors import (
    ChipMute,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    NotReady,
    ReplyTimeout,
    WireClosed,
    WireNotOpened,
)
from drivers.open_wire import PC_SC

#: What PC/SC puts behind a reader's name: its number in the order of plugging, and its slot.
_NUMBERS: Final = re.compile(r" [0-9A-F]{2} [0-9A-F]{2}$")

_NOT_TRANSACTED: Final = 0x80100016
#: As the service says it, as Windows does, and as the service says it of makers' own drivers.
_NO_SUCH_ATTRIBUTE: Final = frozenset({0x8010001F, 0x80100022, _NOT_TRANSACTED})
_NO_READERS: Final = 0x8010002E
_SERVICE_LOST: Final = "The PC/SC service has stopped."
_OTHER_PROGRAM: Final = "Another program has the reader."
_UNREADABLE_CHIP: Final = "The chip's answer to reset is not understood."
#: Some readers are asked for their card only every 400 ms.
_NOTICE_MS: Final = 2000
#: pyscard calls that have failed give one of these numbers (pcsc-lite, winscard error codes).
_ERRORS: Final[dict[int, tuple[type[DriverError], str]]] = {
    0x80100003: (WireClosed, "The PC/SC service has forgotten us; it was started again."),
    0x80100009: (WireClosed, "The reader has been pulled."),
    0x8010000A: (ReplyTimeout, "The PC/SC service gave the reader up."),
    0x8010000B: (NotReady, _OTHER_PROGRAM),
    0x8010000C: (NoCard, ""),
    0x8010000F: (ChipMute, "The chip speaks neither T=1 nor T=0."),
    0x80100010: (NotReady, "The reader is busy."),
    0x80100013: (WireClosed, _SERVICE_LOST),
    0x80100015: (ChipMute, _UNREADABLE_CHIP),
    _NOT_TRANSACTED: (Garbled, "The reader lost the chip in the middle of a command."),
    0x80100017: (WireClosed, "The reader has been pulled."),
    0x8010001D: (WireClosed, _SERVICE_LOST),
    0x8010001E: (WireClosed, _SERVICE_LOST),
    0x8010002F: (Garbled, "The reader lost the chip in the middle of a command."),
    0x80100065: (ChipMute, _UNREADABLE_CHIP),
    0x80100066: (ChipMute, ""),
    0x80100067: (ChipMute, "The chip takes no power."),
    0x80100068: (Garbled, "Another program has reset the chip."),
    0x80100069: (NoCard, ""),
    # "Security violation": pcsc-lite says so too when the service dies in the middle of a call.
    0x8010006A: (WireClosed, "The PC/SC service has hung up."),
}
#: Why the service cannot be reached at all, and what to do.
_NO_SERVICE: Final = {
    0x8010001D: "the PC/SC service is not running: `systemctl start pcscd`",
    0x8010001E: "the PC/SC service is not running: `systemctl start pcscd`",
    0x8010006A: "the PC/SC service hangs up: it refuses this user (polkit), or stops",
}


def load_pyscard(url: str) -> Any:
    """Return pyscard's lower half; raises `WireNotOpened` where it is not installed."""
    try:
        from smartcard import scard
    except ImportError as error:
        reason = "pyscard is missing: install cardcentre with its extra `pcsc`"
        raise WireNotOpened(url=url, reason=reason) from error
    return scard


class PcscCard:
    """The reader that a URL names, and the chip in it while that has power."""

    def __init__(self, scard: Any, url: str) -> None:
        self._scard = scard
        self._either_protocol = scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1
        self._url = url
        #: What the URL calls the reader, and its whole name once it is found.
        self.called = unquote(url.removeprefix(PC_SC))
        self._context: Any = None
        self._handle: Any = None
        self._protocol = 0
        self.name = ""

    def open(self) -> None:
        """Find the reader; raises `WireNotOpened` with what there is instead."""
        code, context = self._scard.SCardEstablishContext(self._scard.SCARD_SCOPE_USER)
        if code:
            reason = _NO_SERVICE.get(code & 0xFFFFFFFF, f"error {_number(code)}")
            raise WireNotOpened(url=self._url, reason=reason)
        self._context = context
        self.name = self._found()

    def attribute(self, tag: int) -> bytes | None:
        """Return what the reader says of itself; None where it does not. Needs no card."""
        self.power_off()  # what a dialogue that broke has left
        code, handle, _ = self._scard.SCardConnect(
            self._context, self.name, self._scard.SCARD_SHARE_DIRECT, 0
        )
        _check(code)
        try:
            return self._attribute_of(handle, tag)
        finally:
            self._scard.SCardDisconnect(handle, self._scard.SCARD_LEAVE_CARD)

    def card_present(self) -> bool:
        """Tell whether a card is there, as the service has last seen."""
        scard = self._scard
        states = [(self.name, scard.SCARD_STATE_UNAWARE)]
        code, states = scard.SCardGetStatusChange(self._context, 0, states)
        _check(code)
        state = states[0][1]
        if state & (scard.SCARD_STATE_UNKNOWN | scard.SCARD_STATE_UNAVAILABLE):
            raise WireClosed("The reader has been pulled.")
        return bool(state & scard.SCARD_STATE_PRESENT)

    def power_on(self) -> int:
        """Take the chip for us alone and reset it; returns the protocol that PC/SC agreed on."""
        self.power_off()  # what a dialogue that broke has left
        try:
            self._handle = self._connect()
        except NoCard:
            self._await_card()
            self._handle = self._connect()
        try:
            # Another program may have left it powered, and in the middle of something.
            self._protocol = self._reset()
        except DriverError:
            self.power_off()
            raise
        return int(self._protocol == self._scard.SCARD_PROTOCOL_T1)

    def transmit(self, data: bytes) -> bytes:
        """Give the chip a command (over T=0: a transfer) and return its answer."""
        assert self._handle is not None, "the chip has power"
        scard = self._scard
        over_t1 = self._protocol == scard.SCARD_PROTOCOL_T1
        header = scard.SCARD_PCI_T1 if over_t1 else scard.SCARD_PCI_T0
        code, answer = scard.SCardTransmit(self._handle, header, list(data))
        if code & 0xFFFFFFFF == _NOT_TRANSACTED:
            self._blame()
        _check(code)
        return bytes(answer)

    def power_off(self) -> None:
        """Take the power from the chip and let others have the reader."""
        handle, self._handle = self._handle, None
        if handle is not None:
            self._scard.SCardDisconnect(handle, self._scard.SCARD_UNPOWER_CARD)

    def release(self) -> None:
        """Let everything go."""
        self.power_off()
        context, self._context = self._context, None
        if context is not None:
            self._scard.SCardReleaseContext(context)

    def _found(self) -> str:
        code, listed = self._scard.SCardListReaders(self._context, [])
        if code & 0xFFFFFFFF != _NO_READERS:
            _check(code)
        names: list[str] = listed
        fitting = [name for name in names if self.called in {name, _NUMBERS.sub("", name)}]
        if self.called in fitting:
            return self.called
        if len(fitting) == 1:
            return fitting[0]
        reason = "several readers are called so" if fitting else "there is no such reader"
        there = ", ".join(PC_SC + quote(name, safe="") for name in fitting or names)
        raise WireNotOpened(url=self._url, reason=f"{reason}: {there or 'none is connected'}")

    def _attribute_of(self, handle: Any, tag: int) -> bytes | None:
        code, value = self._scard.SCardGetAttrib(handle, tag)
        if code & 0xFFFFFFFF in _NO_SUCH_ATTRIBUTE:
            return None
        _check(code)
        return bytes(value)

    def _connect(self) -> Any:
        scard = self._scard
        code, handle, _ = scard.SCardConnect(
            self._context, self.name, scard.SCARD_SHARE_EXCLUSIVE, self._either_protocol
        )
        _check(code)
        return handle

    def _await_card(self) -> None:
        """Give the service time to notice a card that may have just come into the field."""
        states = [(self.name, self._scard.SCARD_STATE_EMPTY)]
        self._scard.SCardGetStatusChange(self._context, _NOTICE_MS, states)

    def _reset(self) -> int:
        scard = self._scard
        code, protocol = scard.SCardReconnect(
            self._handle,
            scard.SCARD_SHARE_EXCLUSIVE,
            self._either_protocol,
            scard.SCARD_UNPOWER_CARD,
        )
        _check(code)
        return int(protocol)

    def _blame(self) -> None:
        """Find out why a command failed: raises `NoCard` or `ChipMute` if the chip is gone or dead.

        PC/SC tells a dead chip and noise with the same number; only a reset tells them apart.
        """
        if not self.card_present():
            raise NoCard
        self._reset()


def _check(code: int) -> None:
    if code:
        _raise(code & 0xFFFFFFFF)


def _raise(code: int) -> NoReturn:
    kind, detail = _ERRORS.get(code, (HardwareFault, "The PC/SC service fails."))
    raise kind(detail, pcsc_error=_number(code))


def _number(code: int) -> str:
    return f"{code & 0xFFFFFFFF:08X}"
