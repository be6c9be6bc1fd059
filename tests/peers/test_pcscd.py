"""Debian's pcscd and its serial CCID driver use the simulated encoder; OpenSC reads our cards.

pcscd runs in a mount and process namespace of its own: its socket is not the host's, and nothing of
it outlives the test. The encoder's terminal is held open until it has gone, because libccidtwin
spins for ever on a terminal that has hung up.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import pytest

from drivers.ccid_reader import CcidReader
from drivers.chip_profile import ChipContents, profile_named
from drivers.encoder import ChipEncoder
from drivers.open_wire import open_wire
from drivers.outcome import Outcome
from simulators.encoder import EncoderSettings, SimulatedEncoder
from simulators.floor import MAGAZINE, ChipMemory, Contacts, Floor, LifeCycle, infeed
from simulators.machine import Pace
from simulators.serving import on_pseudo_terminals
from tests.contract.chips import keys_for_tests, made_for
from tests.peers.peer import Said, missing, peer, run

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

SERIAL_DRIVER = Path("/usr/lib/pcsc/drivers/serial/libccidtwin.so")
READER = "Cardcentre Encoder 00 00"
CHIP_SERIAL = bytes(range(0x41, 0x49))
CONTENTS = ChipContents(
    {
        1: b"\x34\x12" * 128,
        2: Random(2).randbytes(1024),
        3: bytes(1024),
        4: b"\x20\x00" * 35 + Random(4).randbytes(210),
    },
    card_serial=bytes(range(1, 17)),
)
SELECT_APPLICATION = "00A4040405F05249443200"
PART_BYTES = 240
OWN_NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
#: Of the namespace's first process; pcscd is ended by hand and, should that fail, with it.
ISOLATED = """
set -eu
mount -t tmpfs tmpfs /run
ulimit -f 20000
LIBCCID_ifdLogLevel=0x0001 {pcscd} --foreground --error --config {readers} > {log} 2>&1 &
daemon=$!
tries=0
until [ -S /run/pcscd/pcscd.comm ]; do
    tries=$((tries + 1)); [ $tries -lt 200 ] || {{ cat {log}; exit 70; }}
    sleep 0.05
done
status=0
{command} || status=$?
kill $daemon
wait $daemon || true
exit $status
"""


@dataclass
class Bench:
    """An encoder on a terminal, a blank in its field, and what runs OpenSC's tools at it."""

    chip: ChipMemory
    url: str
    folder: Path
    floor: Floor

    def encoder(self) -> "ChipEncoderOnce":
        return ChipEncoderOnce(self.url, "rid2" if self.chip.keys else "rid2-plain")

    async def opensc(self, *arguments: str) -> Said:
        """Run opensc-tool with a pcscd of its own."""
        return await self.beside_pcscd(peer("opensc-tool", "opensc", "--info"), *arguments)

    async def beside_pcscd(self, *command: str) -> Said:
        """Run a program with a pcscd of its own."""
        script = ISOLATED.format(
            pcscd=shlex.quote(peer("pcscd", "pcscd", "--version")),
            readers=shlex.quote(str(self.folder / "readers")),
            log=shlex.quote(str(self.folder / "pcscd.log")),
            command=shlex.join(command),
        )
        said = await run(*OWN_NAMESPACE, "bash", "-c", script)
        assert said.status != 70, said.text
        return said

    async def apdus(self, commands: Sequence[str]) -> list[tuple[bytes, str]]:
        """Send commands to the card; returns the data and the status words of each answer."""
        sent = [part for command in commands for part in ("-s", command)]
        said = await self.opensc("--card-driver", "default", "-r", "0", *sent)
        assert said.status == 0, said.text
        answers = said.text.split("Sending: ")[1:]
        assert len(answers) == len(commands), said.text
        return [_answer(text) for text in answers]


class ChipEncoderOnce:
    """Our driver, hanging up afterwards: two programs cannot share the terminal."""

    def __init__(self, url: str, profile: str) -> None:
        self._url = url
        self._profile = profile_named(profile)

    async def __aenter__(self) -> ChipEncoder:
        wire = await open_wire(self._url, 2.0)
        self._driver = ChipEncoder(CcidReader(wire), self._profile, keys=keys_for_tests())
        await self._driver.identify()
        return self._driver

    async def __aexit__(self, *_: object) -> None:
        await self._driver.aclose()


def _answer(text: str) -> tuple[bytes, str]:
    """Take opensc-tool's words apart: `Received (SW1=0x90, SW2=0x00):` and a dump."""
    words = re.search(r"Received \(SW1=0x(..), SW2=0x(..)\)", text)
    assert words is not None, text
    dump = text[words.end() :].splitlines()[1:]
    # Each byte of a line takes three places, and one more for its letter at the end.
    data = b"".join(bytes.fromhex(line[: 3 * (len(line) // 4)]) for line in dump)
    return data, words[1] + words[2]


def require_pcscd() -> None:
    if not SERIAL_DRIVER.exists():
        missing(f"{SERIAL_DRIVER.name} is not installed (Debian package libccid)")
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        missing("pcscd in a namespace of its own needs root and unshare")
    allowed = subprocess.run([*OWN_NAMESPACE, "true"], capture_output=True, check=False)
    if allowed.returncode:
        missing("pcscd needs a namespace of its own, which may not be made here")


@asynccontextmanager
async def bench(
    folder: Path,
    reader_name: str = "GemPCTwin",
    contacts: Contacts = Contacts.T1,
    profile: str = "rid2-plain",
) -> AsyncIterator[Bench]:
    require_pcscd()
    floor = Floor()
    chip = made_for(profile, CHIP_SERIAL)
    chip.contacts = contacts
    floor.load_blanks(1, iter([chip]))
    floor.move(MAGAZINE, infeed(0))
    settings = EncoderSettings(reader_name=reader_name, chip_failure_share=0.0)
    machine = SimulatedEncoder(floor, 0, Pace(Random(1), 50.0), settings, "ENC-1")
    async with on_pseudo_terminals({"encoder": machine}, folder / "ports") as urls:
        readers = folder / "readers"
        readers.mkdir()
        (readers / "encoder").write_text(
            'FRIENDLYNAME "Cardcentre Encoder"\n'
            f"DEVICENAME {urlsplit(urls['encoder']).path}:{reader_name}\n"
            f"LIBPATH {SERIAL_DRIVER}\n"
            "CHANNELID 1\n"
        )
        yield Bench(chip, urls["encoder"], folder, floor)


def reading(file: int, size: int) -> list[str]:
    """Return the commands that read one file."""
    reads = [
        f"00B0{offset:04X}{min(PART_BYTES, size - offset):02X}"
        for offset in range(0, size, PART_BYTES)
    ]
    return [f"00A4020C02{file:04X}", *reads]


def writing(file: int, data: bytes, start: int = 0) -> list[str]:
    """Return the commands that write one file from `start` on."""
    parts = (
        (start + offset, data[offset : offset + PART_BYTES])
        for offset in range(0, len(data), PART_BYTES)
    )
    writes = [f"00D6{offset:04X}{len(part):02X}{part.hex()}" for offset, part in parts]
    return [f"00A4020C02{file:04X}", *writes]


async def test_the_reader_and_its_card_are_found(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        listed = await here.opensc("-l")
        assert re.search(rf"^0 +Yes +{READER}", listed.text, re.MULTILINE), listed.text
        told = await here.opensc("-r", "0", "-a")
        assert "3b:85:81:31:fe:4d:49:44:53:49:4d:dc" in told.text


async def test_what_our_driver_wrote_is_what_opensc_reads(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        async with here.encoder() as encoder:
            note = await encoder.write_note()
            await encoder.write(CONTENTS)
        commands = [SELECT_APPLICATION]
        files = {**CONTENTS.files, 5: CHIP_SERIAL + CONTENTS.card_serial}
        for file, data in files.items():
            commands += reading(file, len(data))
        commands.append("00D6000001FF")
        (control, found), *answers = await here.apdus(commands)
        assert found == "9000"
        assert b"\x8a\x01\x05" in control
        *answers, (_, written) = answers
        assert written == "6985"
        assert {words for _, words in answers} == {"9000"}
        read = b"".join(data for data, _ in answers)
        assert read == b"".join(files.values())
        async with here.encoder() as encoder:
            assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE


async def test_what_opensc_wrote_is_judged_by_our_driver(tmp_path: Path) -> None:
    """A chip written by others, locked, is DONE if it is as ordered and UNKNOWN if not."""
    async with bench(tmp_path) as here:
        async with here.encoder() as encoder:
            note = await encoder.write_note()
        commands = [SELECT_APPLICATION]
        for file, data in CONTENTS.files.items():
            commands += writing(file, data)
        commands += writing(5, CONTENTS.card_serial, start=len(CHIP_SERIAL))
        answers = await here.apdus(commands)
        assert {words for _, words in answers} == {"9000"}
        async with here.encoder() as encoder:
            assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
        answers = await here.apdus([SELECT_APPLICATION, "00440000"])
        assert {words for _, words in answers} == {"9000"}
        assert here.chip.life_cycle is LifeCycle.OPERATIONAL
        async with here.encoder() as encoder:
            assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE


@pytest.mark.parametrize(
    ("contacts", "answer_to_reset"),
    [
        (Contacts.T0, "3b:05:49:44:53:49:4d"),
        (Contacts.T0_OR_T1, "3b:85:80:01:49:44:53:49:4d:5e"),
    ],
)
async def test_opensc_writes_and_reads_cards_of_other_protocols(
    tmp_path: Path, contacts: Contacts, answer_to_reset: str
) -> None:
    content = CONTENTS.files[2]
    async with bench(tmp_path, contacts=contacts) as here:
        told = await here.opensc("-r", "0", "-a")
        assert answer_to_reset in told.text
        commands = [SELECT_APPLICATION, *writing(2, content), *reading(2, len(content))]
        (control, found), *answers = await here.apdus(commands)
        assert found == "9000"
        assert b"\x8a\x01\x03" in control
        assert {words for _, words in answers} == {"9000"}
        assert b"".join(data for data, _ in answers) == content
        assert bytes(here.chip.files[2]) == content


async def test_opensc_is_refused_what_the_secure_channel_guards(tmp_path: Path) -> None:
    """OpenSC knows no key: of an empty chip it reads the serial, of a locked one everything."""
    text = CONTENTS.files[1]
    commands = [
        SELECT_APPLICATION,
        *reading(5, len(CHIP_SERIAL)),
        *reading(1, 1),
        *writing(1, b"\x00"),
        "00440000",
        "00E60000",
    ]
    async with bench(tmp_path, profile="rid2") as here:
        _, *answers = await here.apdus(commands)
        assert answers[1] == (CHIP_SERIAL, "9000")
        refused = [words for _, words in answers if words != "9000"]
        assert refused == ["6982", "6982", "6982", "6982"]
        assert here.chip == made_for("rid2", CHIP_SERIAL)
        async with here.encoder() as encoder:
            note = await encoder.write_note()
            await encoder.write(CONTENTS)
            assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
        _, *answers = await here.apdus([*commands[:3], *reading(1, 240), *commands[5:]])
        assert answers[3] == (text[:240], "9000")
        refused = [words for _, words in answers if words != "9000"]
        assert refused == ["6985", "6982", "6982"]


@pytest.mark.parametrize(("name", "slots"), [("SEC1210", 2), ("GemCorePOSPro", 5)])
async def test_readers_without_echo_show_all_their_slots(
    tmp_path: Path, name: str, slots: int
) -> None:
    async with bench(tmp_path, name) as here:
        listed = await here.opensc("-l")
        rows = re.findall(r"^(\d+) +(Yes|No) +Cardcentre", listed.text, re.MULTILINE)
        assert rows == [(str(n), "Yes" if n == 0 else "No") for n in range(slots)], listed.text
