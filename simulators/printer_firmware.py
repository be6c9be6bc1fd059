"""What the card printer's board answers to each command, and what it holds in memory.

It moves nothing itself and keeps no time: motions are the physics', bytes are the dialogue's.
Commands of options that this model lacks (magnetic head, contact stations, a reject slot unless the
settings have one) are refused as such; settings that change nothing on a simulated face are
accepted.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

from simulators.printer_bitmap import PANELS, BadBitmap, expand_panel, plain_panel
from simulators.printer_language import Command
from simulators.printer_motions import Face, Mishap
from simulators.printer_physics import PrinterPhysics
from simulators.printer_readings import READINGS
from simulators.printer_ribbon import RIBBONS
from simulators.printer_status import status_trailer, status_words

MOTIONS: Final = frozenset({"Si", "Sv", "Se", "Sce", "Ser", "Scp", "Srs"})
_PRINT_SETTINGS: Final = {"Pc", "Pl", "Pwres", "Psk", "Ppws", "Pcla", "Ppmode", "Mr"}
_PATH_SETTINGS: Final = {"Pcim", "Pcem", "Pcrm", "Pmi", "Piem"}
_SETTINGS: Final = frozenset(_PRINT_SETTINGS | _PATH_SETTINGS | {"Psmgr", "Psync"})
_OTHER_PATHS: Final = {"Seb", "Sis", "Sic", "Sib", "Sie", "Pos", "Poc"}
_OWN_DRAWING: Final = {"Sp", "St", "Wt", "Wb"}
_MAGNETIC: Final = {"Pmc", "Pmt", "Dm", "Smw", "Smr", "Rmb"}
_NOT_FITTED: Final = frozenset(_OTHER_PATHS | _OWN_DRAWING | _MAGNETIC | {"Pcom", "Rcom"})
_HOST_MANAGES_ERRORS: Final = 0x02
_ACKNOWLEDGE_MODE: Final = 0x10


class Reply(StrEnum):
    """The texts that the firmware answers with."""

    OK = "OK"
    UNKNOWN_COMMAND = "ERROR CDE"
    BAD_PARAMETERS = "ERROR PARAMETRES"
    TIME_OUT = "ERROR TIME OUT"
    NOT_FITTED = "OPT NOT AVAILABLE"
    FEEDER_EMPTY = "FEEDER EMPTY"
    CARD = "ERROR CARD"
    HOPPER_FULL = "HOPPER FULL"
    COVER_OPEN = "COVER OPEN"
    RIBBON = "ERROR RIBBON"
    JAM = "CARD JAM"


_MISHAP_REPLY: Final = {
    Mishap.NO_CARD_AT_INFEED: Reply.FEEDER_EMPTY,
    Mishap.NO_CLEANING_CARD: Reply.FEEDER_EMPTY,
    Mishap.CARD_INSIDE: Reply.CARD,
    Mishap.NO_CARD_INSIDE: Reply.CARD,
    Mishap.OUTFEED_TAKEN: Reply.HOPPER_FULL,
    Mishap.REJECT_BOX_FULL: Reply.HOPPER_FULL,
    Mishap.COVER_OPEN: Reply.COVER_OPEN,
    Mishap.RIBBON_ENDED: Reply.RIBBON,
    Mishap.WRONG_RIBBON: Reply.RIBBON,
    Mishap.JAM: Reply.JAM,
}


_LAST_REPLY_ABOUT_CARD: Final[dict[str, str]] = {
    Reply.FEEDER_EMPTY: "NO CARD",
    Reply.CARD: "ERR CARD",
    Reply.JAM: "ERR CARD",
}

#: None: a motion was begun, and `motion_reply` answers when it is over.
Answer: TypeAlias = str | None


class PrinterFirmware:
    """Commands in, answers out. What it holds itself is lost with the power."""

    def __init__(self, physics: PrinterPhysics, serial_number: str) -> None:
        self._physics = physics
        settings = physics.settings
        self._identity = {
            "Rtp": settings.model,
            "Rsn": serial_number,
            "Rfv": "1.00",
            "Rkn": f"KIT-{serial_number}",
            "Rck": "5F1A",
            "Rr": settings.ribbon,
            "Rzp": "0",
            # Feeder in, hopper out, and rejects to the hopper too, unless it is told `Ser`.
            "Rcim": "F",
            "Rcem": "D",
            "Rcrm": "D",
        }
        self._handlers: dict[str, Callable[[Command], Answer]] = {
            "Db": self._bitmap,
            "Dbc": self._bitmap,
            "Pem": self._set_error_management,
            "Pps": self._set_status_trailers,
            "Pr": self._set_ribbon,
            "Rem": lambda _: str(self._error_management),
            "Rlr": self._last_reply,
            "Rpst": self._status,
            "Sce": self._eject,
            "Scp": lambda _: self._begun(self._physics.clean()),
            "Scs": self._clear_status,
            "Sds": lambda _: Reply.OK,
            "Se": self._end,
            "Ser": self._reject,
            "Si": self._insert,
            "Sr": self._front,
            "Srs": self._soft_reset,
            "Ss": self._front,
            "Sv": self._back,
            "Wcb": self._clear_bitmaps,
        }
        self.start()

    def start(self) -> None:
        """Begin as after power came: nothing remembered."""
        self._panels: dict[str, bytes] = {}
        self._face = Face.FRONT
        self._error_management = 0
        self._motion_reply: str = Reply.OK
        self._was_reset = True
        self._trails_status = False

    def answer(self, command: Command) -> Answer:
        """Do one command. Motions are asked for only while the mechanism rests."""
        if handler := self._handlers.get(command.name):
            answer = handler(command)
        elif reading := READINGS.get(command.name):
            answer = reading(self._physics, ";".join(command.parameters)) or Reply.BAD_PARAMETERS
        elif command.name in self._identity:
            answer = self._identity[command.name]
        elif command.name in _SETTINGS:
            answer = Reply.OK
        elif command.name in _NOT_FITTED:
            answer = Reply.NOT_FITTED
        else:
            answer = Reply.UNKNOWN_COMMAND
        if command.name in MOTIONS and answer is not None:
            self._motion_reply = answer
        return answer

    def motion_reply(self) -> str:
        """Return what the motion that has just ended is answered with."""
        mishap = self._physics.last_mishap
        self._motion_reply = _MISHAP_REPLY[mishap] if mishap else Reply.OK
        return self._motion_reply

    def trailer(self) -> bytes:
        """Return what follows an answer's NUL: nothing, unless the host wants the status words."""
        return status_trailer(self._status_words()) if self._trails_status else b""

    # The way of the card.

    def _insert(self, _: Command) -> Answer:
        self._face = Face.FRONT
        return self._begun(self._physics.insert())

    def _front(self, _: Command) -> Answer:
        """Begin a sequence, or its front: what an unfinished job left in memory is dropped."""
        self._panels.clear()
        self._face = Face.FRONT
        return Reply.OK

    def _back(self, _: Command) -> Answer:
        return self._print(eject=False)

    def _end(self, _: Command) -> Answer:
        return self._print(eject=True)

    def _eject(self, _: Command) -> Answer:
        self._panels.clear()
        return self._print(eject=True)

    def _reject(self, _: Command) -> Answer:
        if not self._physics.settings.reject_capacity_cards:
            return Reply.NOT_FITTED
        self._panels.clear()
        self._face = Face.FRONT
        return self._begun(self._physics.reject())

    def _print(self, *, eject: bool) -> Answer:
        panels = sorted(self._panels.items(), key=lambda item: PANELS.index(item[0]))
        answer = self._begun(self._physics.print_face(self._face, panels, eject=eject))
        if answer is None:
            self._panels.clear()
            self._face = Face.FRONT if eject else Face.BACK
        return answer

    def _begun(self, mishap: Mishap | None) -> Answer:
        return _MISHAP_REPLY[mishap] if mishap else None

    # Memory.

    def _bitmap(self, command: Command) -> Answer:
        if len(command.parameters) < 2:
            return Reply.BAD_PARAMETERS
        panel, levels, *_ = command.parameters
        if panel not in tuple(PANELS) or not levels.isdecimal():
            return Reply.BAD_PARAMETERS
        take = plain_panel if command.name == "Db" else expand_panel
        try:
            self._panels[panel] = take(panel, int(levels), command.data)
        except BadBitmap:
            return Reply.BAD_PARAMETERS
        return Reply.OK

    def _clear_bitmaps(self, command: Command) -> Answer:
        match command.parameters:
            case () | ("a",):
                self._panels.clear()
            case (panel,) if panel in tuple(PANELS):
                self._panels.pop(panel, None)
            case _:
                return Reply.BAD_PARAMETERS
        return Reply.OK

    # Settings and status.

    def _set_error_management(self, command: Command) -> Answer:
        if len(command.parameters) != 1 or not command.parameters[0].isdecimal():
            return Reply.BAD_PARAMETERS
        mode = int(command.parameters[0])
        if mode >= 0x40:
            return Reply.BAD_PARAMETERS
        if mode & _ACKNOWLEDGE_MODE:
            return Reply.NOT_FITTED
        self._error_management = mode
        return Reply.OK

    def _set_status_trailers(self, command: Command) -> Answer:
        if command.parameters not in {("0",), ("1",)}:
            return Reply.BAD_PARAMETERS
        self._trails_status = command.parameters == ("1",)
        return Reply.OK

    def _status(self, _: Command) -> Answer:
        return self._status_words()

    def _status_words(self) -> str:
        return status_words(
            self._physics,
            was_reset=self._was_reset,
            host_manages_errors=bool(self._error_management & _HOST_MANAGES_ERRORS),
        )

    def _set_ribbon(self, command: Command) -> Answer:
        named = command.parameters and command.parameters[-1] in RIBBONS
        numbered = len(command.parameters) == 2 and all(p.isdecimal() for p in command.parameters)
        return Reply.OK if named or numbered else Reply.BAD_PARAMETERS

    def _clear_status(self, _: Command) -> Answer:
        self._physics.clear_fault()
        self._was_reset = False
        return Reply.OK

    def _soft_reset(self, _: Command) -> Answer:
        self.start()
        return Reply.OK

    def _last_reply(self, command: Command) -> Answer:
        match command.parameters:
            case ():
                return self._motion_reply
            case ("p",):
                return _LAST_REPLY_ABOUT_CARD.get(self._motion_reply, "OK")
            case ("r",):
                return "ERR NEED CLEANING" if self._physics.cleaning.due else "OK"
            case _:
                return Reply.BAD_PARAMETERS
