"""Intent, act, result: the one way in which anything is done to a card.

The intent is durable before the act and the result after it. When an act fails or is silent, its
outcome is asked from evidence until there is an answer; it is never simply done again. What is done
about the station is looked up in `controller/failures.py`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from controller.acts import Act, Completion, Finish
from controller.failures import BLAMED_CARDS_MAX, Reaction, reaction_to
from controller.places import Places
from controller.stations import Station
from drivers.errors import DriverError, WrongDevice
from drivers.outcome import Note, Outcome
from jobs.books import OFF_THE_LINE
from jobs.events import Draft, Kind
from jobs.ledger.ledger import Ledger
from jobs.rows import Card, Work
from jobs.states import CardState, CardTrigger, StationState

#: Before an act that a machine was not ready for is tried again.
RETRY_PAUSE_S = 1.0
#: A full disk may be waited for long enough to exchange a machine: then its evidence is read again.
NOTE_AGE_MAX_S = 10.0

Complete = Callable[[Finish], Completion]


class Elsewhere(Exception):
    """Nothing happened to the card, and its station may have stopped: choose again."""


class InDoubt(Exception):
    """It is not known what the machine did to the card; it has been recorded so."""


class CardAtFault(Exception):
    """The card, not the machine, is to blame; `reason` is why."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Execution:
    """Performs acts of one line and keeps the ledger's works."""

    def __init__(self, ledger: Ledger, places: Places, retries_max: int) -> None:
        self._ledger = ledger
        self._places = places
        self._retries_max = retries_max
        self._retries: dict[str, int] = {}

    async def perform(
        self,
        act: Act,
        card: Card,
        complete: Complete = Completion,
        still_wanted: Callable[[], bool] = lambda: True,
    ) -> Finish:
        """Do one act on one card; returns what was recorded of it.

        `complete` says what else becomes true with a good result; `still_wanted` is asked in the
        moment in which the intent is recorded. Raises `Elsewhere`, `InDoubt` or `CardAtFault`; in
        each case the ledger says so already, or nothing has happened.
        """
        found = (card.state, card.place)
        note = await self._note(act, card)
        if card.state in OFF_THE_LINE or (card.state, card.place) != found or not still_wanted():
            raise Elsewhere  # a person decided otherwise while the card waited for its machine
        asked_s = asyncio.get_running_loop().time()
        work = await self._begin(act, card, note)
        act.station.working = True
        try:
            if asyncio.get_running_loop().time() - asked_s > NOTE_AGE_MAX_S:
                await self._note_still_holds(act, work, note)
            finish = await act.perform(note)
        except DriverError as error:
            return await self._after_failure(act, work, error, complete)
        finally:
            act.station.working = False
        if work.id not in self._ledger.books.works:
            raise InDoubt  # a person settled the card while its machine was at it
        await self._done(work, "reply", complete(finish))
        act.station.blamed_cards.clear()
        self._retries.pop(act.station.name, None)
        return finish

    async def settle(self, act: Act, work: Work, complete: Complete = Completion) -> None:
        """Ask once what became of a work that was open when the controller stopped.

        Raises `DriverError` when the machine does not say.
        """
        outcome, finish = await self._outcome(act, work)
        if work.id not in self._ledger.books.works:
            return
        if outcome is Outcome.DONE:
            await self._done(work, "evidence", complete(finish))
        else:
            await self._not_done(work, outcome, "controller.restart")

    async def _note(self, act: Act, card: Card) -> Note:
        if not act.station.usable:
            raise Elsewhere
        try:
            return await act.note()
        except DriverError as error:
            await self._react(act.station, error, card.id)
            raise Elsewhere from error

    async def _begin(self, act: Act, card: Card, note: Note) -> Work:
        station, books = act.station, self._ledger.books
        if not station.usable:
            raise Elsewhere
        chip = str(note.get("chip_serial", ""))
        owner = books.chips.get(chip, card.id)
        if owner != card.id:
            raise CardAtFault(f"its chip already belongs to {owner}")
        known = books.stations.get(station.name)
        work = f"W-{books.works_begun + 1:08d}"
        draft = Draft(
            Kind.WORK_BEGUN,
            "centre",
            {
                "act": act.name,
                "cards": [card.id],
                "note": note,
                "source": card.place,
                "destination": act.destination,
            },
            order=card.order,
            card=card.id,
            work=work,
            station=station.name,
            chip_serial=chip,
            machine_serial=known.machine_serial if known else "",
        )
        await self._ledger.append(draft)
        if work not in books.works:
            raise InDoubt  # a person settled the card while the disk was waited for
        return books.works[work]

    async def _note_still_holds(self, act: Act, work: Work, note: Note) -> None:
        """Raise `Elsewhere` if another machine is there now, or something has happened at this."""
        if act.station.has_machine:
            await act.station.port.drop()  # who is there is asked once a wire
        if await act.note() != note:
            await self._not_done(work, Outcome.NOT_DONE, WrongDevice.code)
            raise Elsewhere

    async def _done(self, work: Work, told_by: str, completion: Completion) -> None:
        data = {"outcome": Outcome.DONE.value, "told_by": told_by, **completion.finish}
        finished = self._finished(work, data, completion.box)
        await self._ledger.append(*completion.before, finished, *completion.after)
        self._places.changed()

    async def _not_done(self, work: Work, outcome: Outcome, error_code: str) -> None:
        data = {"outcome": outcome.value, "told_by": "evidence", "error": error_code}
        card = self._ledger.books.cards[work.cards[0]]
        if outcome is Outcome.UNKNOWN and card.state is not CardState.IN_DOUBT:
            data["trigger"] = CardTrigger.DOUBT.value
            data["reason"] = f"{error_code} during {work.act} at {work.station}"
        await self._ledger.append(self._finished(work, data))
        self._places.changed()

    def _finished(self, work: Work, data: dict[str, Any], box: str = "") -> Draft:
        card = self._ledger.books.cards[work.cards[0]]
        return Draft(
            Kind.WORK_FINISHED,
            "centre",
            data,
            order=card.order,
            card=card.id,
            work=work.id,
            station=work.station,
            box=box,
        )

    async def _after_failure(
        self, act: Act, work: Work, error: DriverError, complete: Complete
    ) -> Finish:
        silent = reaction_to(error) is Reaction.REOPEN
        if silent:
            await self._reopen_or_stop(act.station, error)
        outcome, finish = await self._ask_outcome(act, work)
        if work.id not in self._ledger.books.works:
            raise InDoubt  # a person settled the card while its machine was silent
        if outcome is Outcome.DONE:
            await self._done(work, "evidence", complete(finish))
            return finish
        await self._not_done(work, outcome, error.code)
        if not silent:
            card = work.cards[0]
            await self._react(act.station, error, card, blame=outcome is Outcome.NOT_DONE)
        if outcome is Outcome.UNKNOWN:
            raise InDoubt
        raise Elsewhere

    async def _ask_outcome(self, act: Act, work: Work) -> tuple[Outcome, Finish]:
        """Ask until there is an answer, or until a person has settled the card."""
        books, station = self._ledger.books, act.station
        while True:
            await self._places.until(lambda: station.may_be_asked or work.id not in books.works)
            if work.id not in books.works:
                return Outcome.UNKNOWN, {}
            try:
                return await self._outcome(act, work)
            except DriverError as error:
                await self._react(station, error, work.cards[0])
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _outcome(self, act: Act, work: Work) -> tuple[Outcome, Finish]:
        """Ask once, for the result too if there is one; raises `DriverError` without an answer."""
        try:
            outcome = await act.outcome(dict(work.note))
            return outcome, await act.finish_of_done() if outcome is Outcome.DONE else {}
        except DriverError as error:
            if reaction_to(error) is Reaction.BLAME_CARD:
                return Outcome.UNKNOWN, {}
            raise

    async def _react(
        self, station: Station, error: DriverError, card: str, *, blame: bool = True
    ) -> None:
        """Do to the station what the table says; `CardAtFault` when the card is to blame."""
        match reaction_to(error):
            case Reaction.REOPEN:
                await self._reopen_or_stop(station, error)
            case Reaction.RETRY:
                await self._count_retry(station, error)
            case Reaction.HOLD:
                await station.hold(f"{card}: {error}", error.code)
            case Reaction.ABORT:
                await station.abort(str(error), error.code)
            case Reaction.BLAME_CARD:
                station.blamed_cards.add(card)
                if len(station.blamed_cards) >= BLAMED_CARDS_MAX:
                    station.blamed_cards.clear()
                    await station.hold(f"{BLAMED_CARDS_MAX} faulty cards in a row", error.code)
                if blame:
                    raise CardAtFault(error.code)

    async def _count_retry(self, station: Station, error: DriverError) -> None:
        tries = self._retries.get(station.name, 0) + 1
        self._retries[station.name] = tries % (self._retries_max + 1)
        if tries > self._retries_max:
            await station.hold(str(error), error.code)
        else:
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _reopen_or_stop(self, station: Station, error: DriverError) -> None:
        """Open the wire again, or stop the station for what keeps it shut: a person can mend that.

        A wire that opens and yet fails every work is not tried for ever.
        """
        if not station.usable:
            await station.port.drop()
            if station.may_be_asked and not station.is_in(StationState.SUSPENDED):
                await station.abort(str(error), error.code)
            return
        fault = await station.reopen()
        if fault is None:
            await self._count_retry(station, error)
        elif reaction_to(fault) is Reaction.ABORT:
            await station.abort(str(fault), fault.code)
        else:
            await station.hold(str(fault), fault.code)
