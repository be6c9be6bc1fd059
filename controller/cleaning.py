"""Cleaning a printer that a technician has, with the cleaning card that he has put into it.

The centre opens the port for this alone, and frees it afterwards. No card of the line takes part,
so it is no work: what the machine said before, and what became of it, are events of the station. A
begin without an end was cut off by the centre's own stop; the machine's evidence in the next begin
tells what became of it. Whether a person may ask for it is `station_verbs.py`'s to say.
"""

from typing import cast

from controller.failures import Reaction, reaction_to
from controller.stations import Port, Station
from drivers.errors import DriverError, NothingAtSource
from drivers.outcome import Note, Outcome
from drivers.printing import Printer
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger

#: How often a machine is asked what became of its cleaning, each time over a new wire.
QUESTIONS_MAX = 3


async def clean(ledger: Ledger, station: Station, actor: str) -> str:
    """Clean a printer; return why it is not clean afterwards, in one line, or nothing."""
    assert station.cleaning, "nobody may open the port else"
    try:
        return await _clean(ledger, station, actor)
    except DriverError as error:
        return f"{station.name} cannot be asked: {error}"
    finally:
        station.cleaning = False
        await station.port.drop()


async def _clean(ledger: Ledger, station: Station, actor: str) -> str:
    name, port = station.name, cast("Port[Printer]", station.port)
    printer = await port.driver()
    if (await printer.status()).card_at_print_position:
        return f"a card is inside {name}: take it out first"
    note = await printer.clean_note()
    serial_number = str(note["serial_number"])

    def draft(kind: Kind, **data: object) -> Draft:
        return Draft(kind, actor, data, station=name, machine_serial=serial_number)

    await ledger.append(draft(Kind.CLEANING_BEGUN, note=note))
    try:
        await printer.clean(note)
    except DriverError as error:
        outcome = await _outcome(station, port, note, error)
        ended = draft(
            Kind.CLEANING_ENDED, outcome=outcome.value, told_by="evidence", error=error.code
        )
        reason = _why_not(name, outcome, error)
    else:
        outcome, reason = Outcome.DONE, ""
        ended = draft(Kind.CLEANING_ENDED, outcome=outcome.value, told_by="reply")
    await ledger.append(ended)
    station.cleaning_due = station.cleaning_due and outcome is not Outcome.DONE
    return reason


async def _outcome(
    station: Station, port: Port[Printer], note: Note, error: DriverError
) -> Outcome:
    if reaction_to(error) is Reaction.REOPEN:
        await port.drop()
    for _ in range(QUESTIONS_MAX):
        try:
            return await (await port.driver()).clean_outcome(note)
        except DriverError:
            await station.reopen()
    return Outcome.UNKNOWN


def _why_not(name: str, outcome: Outcome, error: DriverError) -> str:
    match outcome:
        case Outcome.DONE:
            return ""
        case Outcome.NOT_DONE if isinstance(error, NothingAtSource):
            return f"no cleaning card is in {name}: put one in, and say it again"
        case Outcome.NOT_DONE:
            return f"{name} was not cleaned: {error}"
        case Outcome.UNKNOWN:
            return f"it is not known whether {name} was cleaned: {error}"
