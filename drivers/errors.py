"""What can go wrong between us and a machine, sorted by what must happen next.

Every class has a stable `code` (the same word in logs, metric labels and the ledger) and keeps its
facts as attributes. The docstring is the default message. What is done about each class is decided
in `controller/failures.py`, never here.
"""

from typing import ClassVar

from drivers.serial_settings import USUAL, SerialSettings


class DriverError(Exception):
    """The machine could not do what it was asked."""

    code: ClassVar[str] = "driver"

    def __init__(self, detail: str = "", **facts: str | float) -> None:
        self.detail = detail or (type(self).__doc__ or "").strip()
        self.facts = facts
        super().__init__(self.detail)

    def __str__(self) -> str:
        facts = ", ".join(f"{name} {_short(value)}" for name, value in self.facts.items())
        return f"{self.detail} ({facts})" if facts else self.detail


def _short(value: str | float) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


class WireNotOpened(DriverError):
    """The port could not be opened."""

    code = "wire.not_opened"


class WireClosed(DriverError):
    """The far end hung up."""

    code = "wire.closed"


class WrongSpeed(DriverError):
    """The machine is set to another speed than its wire."""

    code = "wire.wrong_speed"

    def __init__(self, detail: str = "", settings: SerialSettings = USUAL) -> None:
        super().__init__(detail)
        #: How the machine is set.
        self.settings = settings


class ReplyTimeout(DriverError):
    """The machine did not answer in time."""

    code = "link.reply_timeout"


class Garbled(DriverError):
    """The machine's answer was damaged on the wire, again and again."""

    code = "link.garbled"


class UnexpectedReply(DriverError):
    """The machine answered something that does not belong to the question."""

    code = "link.unexpected_reply"


class WrongDevice(DriverError):
    """Another kind of machine, or another unit of it, is on this port."""

    code = "device.wrong"


class CommandRefused(DriverError):
    """The machine refused the command before doing anything."""

    code = "device.refused"


class NotReady(DriverError):
    """The machine is warming up, homing or busy, and did nothing."""

    code = "device.not_ready"


class ConsumableEmpty(DriverError):
    """The machine ran out of a consumable before doing anything."""

    code = "device.consumable_empty"


class CoverOpen(DriverError):
    """A cover or door of the machine is open."""

    code = "device.cover_open"


class NothingAtSource(DriverError):
    """The machine found no workpiece where it was to take one, and moved nothing."""

    code = "device.nothing_at_source"


class DestinationTaken(DriverError):
    """The place where the workpiece was to go is taken, and nothing was moved."""

    code = "device.destination_taken"


class Jam(DriverError):
    """A workpiece is stuck in the machine; a person must clear it."""

    code = "device.jam"


class WorkpieceLost(DriverError):
    """The transport lost a workpiece between two sensors."""

    code = "device.workpiece_lost"


class HardwareFault(DriverError):
    """The machine reports a fault of its own."""

    code = "device.fault"


class NoCard(DriverError):
    """No card answers in the machine's field or contacts."""

    code = "chip.no_card"


class ChipRefused(DriverError):
    """The chip answered a command with an error status word (ISO/IEC 7816-4)."""

    code = "chip.refused"


class ChipKeysRefused(DriverError):
    """The chip and the centre do not hold the same keys."""

    code = "chip.keys_refused"


class ChipMute(DriverError):
    """The chip does not answer, or answers against its transmission protocol."""

    code = "chip.mute"


class ReadFailed(DriverError):
    """The reader found a card but could not read it."""

    code = "reader.read_failed"
