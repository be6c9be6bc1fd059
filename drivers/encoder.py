"""The chip encoder's verbs: who it is, whether a card is there, write its chip, end its chip.

Writing is an act: issued once, judged afterwards from the chip itself. Not responsible for what
the contents mean, for moving the card into the field, or for what is done after a failure.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from drivers import apdu
from drivers.apdu import LifeCycle, life_cycle_in
from drivers.chip_keys import ChipKeys
from drivers.chip_profile import ChipContents, ChipProfile
from drivers.chip_reader import ChipReader
from drivers.chip_session import ChipSession
from drivers.errors import ChipMute, ChipRefused, NoCard
from drivers.identity import Identity
from drivers.outcome import Note, Outcome


class ChipEncoder:
    """A reader that personalises chips of one profile.

    What every chip tells anybody is asked in the clear, and so is the evidence of a writing: a
    locked chip may be read, and one that is not locked is not done.
    """

    def __init__(
        self, reader: ChipReader, profile: ChipProfile, *, keys: ChipKeys | None = None
    ) -> None:
        assert profile.key_version is None or keys is not None, "a secure channel needs keys"
        self._reader = reader
        self._profile = profile
        self._keys = keys
        self._turn = asyncio.Lock()

    async def identify(self) -> Identity:
        """Open the dialogue and tell who answers; `WrongDevice` if it is no such reader."""
        async with self._turn:
            return await self._reader.identify()

    async def card_present(self) -> bool:
        """Tell whether a card is in the field."""
        async with self._turn:
            return await self._reader.card_present()

    async def chip_serial(self) -> bytes:
        """Return the serial that the chip's maker fixed."""
        async with self._session() as chip:
            await self._select_application(chip)
            return await self._chip_serial(chip)

    async def write_note(self) -> Note:
        """Return the evidence before a writing; raises `NoCard`, `ChipMute`, `ChipRefused`."""
        async with self._turn:
            serial_number = await self._reader.serial_number()
        async with self._session() as chip:
            life_cycle = await self._select_application(chip)
            chip_serial = await self._chip_serial(chip)
        return {
            "serial_number": serial_number,
            "chip_serial": chip_serial.hex(),
            "life_cycle": life_cycle,
        }

    async def write(self, contents: ChipContents) -> None:
        """Write all files, read all back, write the card serial, lock. In one session, once.

        An interrupted writing is completed by a new call: every byte is written again.
        """
        self._check_sizes(contents)
        async with self._session() as chip:
            await self._require_personalisation(chip)
            await self._open_proven_channel(chip)
            for file in self._profile.files.values():
                await self._write_file(chip, file.id, 0, contents.files[file.id])
            differing = await self._differing_file(chip, contents)
            if differing is not None:
                raise _differs(differing)
            await self._write_card_serial(chip, contents.card_serial)
            # ACTIVATE FILE acts on what is selected: the application, not its last file. Selecting
            # it ends the channel.
            await self._select_application(chip)
            await self._open_channel(chip)
            await chip.ask(apdu.activate())

    async def write_outcome(self, note: Note, contents: ChipContents) -> Outcome:
        """Judge a writing by the chip.

        DONE: locked with exactly these contents. NOT_DONE: the same chip, not locked; untouched
        or written in part makes no difference, a new `write` completes it. UNKNOWN: else.
        """
        self._check_sizes(contents)
        async with self._turn:
            if await self._reader.serial_number() != note["serial_number"]:
                return Outcome.UNKNOWN
        try:
            async with self._session() as chip:
                return await self._judge(chip, note, contents)
        except (NoCard, ChipMute, ChipRefused):
            return Outcome.UNKNOWN

    async def terminate(self) -> bool:
        """End the chip's application for good; True when the chip itself confirms it.

        False when no chip answers: a dead chip and an empty field look the same to an antenna.
        """
        try:
            async with self._session() as chip:
                if not await self._is_terminated(chip):
                    await self._open_proven_channel(chip)
                    await self._select_application(chip)
                    await self._open_channel(chip)
                    await chip.ask(apdu.terminate())
                return await self._is_terminated(chip)
        except (NoCard, ChipMute):
            return False

    async def aclose(self) -> None:
        """Hang up."""
        await self._reader.aclose()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[ChipSession]:
        """Reset the chip for a session; power it off unless the dialogue itself broke."""
        async with self._turn:
            chip = ChipSession(self._reader, await self._reader.power_on())
            try:
                yield chip
            except ChipRefused:
                await self._reader.power_off()
                raise
            await self._reader.power_off()

    async def _select_application(self, chip: ChipSession) -> int:
        """Select the application and return its life cycle."""
        return life_cycle_in(await chip.select_application(self._profile.application))

    async def _open_channel(self, chip: ChipSession) -> None:
        """Open the secure channel of a profile that has one."""
        if self._profile.key_version is not None and self._keys is not None:
            await chip.open_channel(self._profile.key_version, self._keys)

    async def _open_proven_channel(self, chip: ChipSession) -> None:
        """Open it and make sure that the chip decrypts, before anything is written."""
        await self._open_channel(chip)
        if self._profile.key_version is not None:
            harmless = apdu.select_file(self._profile.management_file_id)
            await chip.prove_encryption(self._profile.key_version, harmless)

    async def _require_personalisation(self, chip: ChipSession) -> None:
        life_cycle = await self._select_application(chip)
        if life_cycle != LifeCycle.PERSONALISATION:
            raise ChipRefused(
                "The chip is no longer open for writing.", sw="6985", life_cycle=life_cycle
            )

    async def _is_terminated(self, chip: ChipSession) -> bool:
        try:
            return await self._select_application(chip) == LifeCycle.TERMINATED
        except ChipRefused as error:
            if error.facts.get("sw") == f"{apdu.NOT_FOUND:04X}":
                return True
            raise

    async def _chip_serial(self, chip: ChipSession) -> bytes:
        profile = self._profile
        return await self._read_file(chip, profile.management_file_id, 0, profile.chip_serial_bytes)

    async def _write_card_serial(self, chip: ChipSession, card_serial: bytes) -> None:
        profile = self._profile
        file_id = profile.management_file_id
        await self._write_file(chip, file_id, profile.chip_serial_bytes, card_serial)
        if await self._card_serial(chip) != card_serial:
            raise _differs(file_id)

    async def _write_file(self, chip: ChipSession, file_id: int, offset: int, data: bytes) -> None:
        await chip.ask(apdu.select_file(file_id))
        step = self._profile.data_bytes_max
        for start in range(0, len(data), step):
            await chip.ask(apdu.update_binary(offset + start, data[start : start + step]))

    async def _read_file(self, chip: ChipSession, file_id: int, offset: int, size: int) -> bytes:
        await chip.ask(apdu.select_file(file_id))
        step = self._profile.data_bytes_max
        parts = [
            await chip.ask(apdu.read_binary(offset + start, min(step, size - start)))
            for start in range(0, size, step)
        ]
        return b"".join(parts)

    async def _judge(self, chip: ChipSession, note: Note, contents: ChipContents) -> Outcome:
        life_cycle = await self._select_application(chip)
        if (await self._chip_serial(chip)).hex() != note["chip_serial"]:
            return Outcome.UNKNOWN
        if life_cycle == LifeCycle.PERSONALISATION:
            return Outcome.NOT_DONE
        if life_cycle != LifeCycle.OPERATIONAL:
            return Outcome.UNKNOWN
        as_ordered = await self._differing_file(chip, contents) is None
        as_ordered = as_ordered and await self._card_serial(chip) == contents.card_serial
        return Outcome.DONE if as_ordered else Outcome.UNKNOWN

    async def _differing_file(self, chip: ChipSession, contents: ChipContents) -> int | None:
        """Return the id of the first file that reads back otherwise than ordered."""
        for file in self._profile.files.values():
            read = await self._read_file(chip, file.id, 0, file.size_bytes)
            if read != contents.files[file.id]:
                return file.id
        return None

    async def _card_serial(self, chip: ChipSession) -> bytes:
        profile = self._profile
        return await self._read_file(
            chip,
            profile.management_file_id,
            profile.chip_serial_bytes,
            profile.card_serial_bytes,
        )

    def _check_sizes(self, contents: ChipContents) -> None:
        for file in self._profile.files.values():
            assert len(contents.files[file.id]) == file.size_bytes, f"file {file.id} has its size"
        assert len(contents.card_serial) == self._profile.card_serial_bytes


def _differs(file_id: int) -> ChipRefused:
    return ChipRefused("The chip reads back other bytes than were written.", file=f"{file_id:04X}")
