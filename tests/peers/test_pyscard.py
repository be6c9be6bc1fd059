"""pyscard, PC/SC for Python, reads through Debian's pcscd what our encoder driver wrote."""

import asyncio
import json
import subprocess
from pathlib import Path

import pytest

from simulators.floor import HAND, Contacts, Floor, infeed
from tests.contract.ways import until
from tests.peers.peer import PEER_TIMEOUT_S, missing
from tests.peers.test_pcscd import (
    CHIP_SERIAL,
    CONTENTS,
    READER,
    bench,
    reading,
)

pytestmark = [pytest.mark.peer, pytest.mark.real_time]

CLIENT = Path(__file__).with_name("pyscard_client.py")
#: Debian's own: the package belongs to it, not to the Python of a virtual environment.
PYTHON = "/usr/bin/python3"
#: Longer than the reader's notice of a card that came or went takes to arrive.
AWAY_S = 0.5
SELECT_APPLICATION = "00A4040C05F052494432"
FILES = {**CONTENTS.files, 5: CHIP_SERIAL + CONTENTS.card_serial}


def require_pyscard() -> None:
    tried = subprocess.run([PYTHON, "-c", "import smartcard"], capture_output=True, check=False)
    if tried.returncode:
        missing("pyscard is not installed (Debian package python3-pyscard)")


async def take_away_and_put_back(mark: Path, floor: Floor) -> None:
    """Do so once the client watches for it."""
    await until(mark.exists, timeout_s=PEER_TIMEOUT_S)
    await asyncio.sleep(AWAY_S)
    floor.move(infeed(0), HAND)
    await asyncio.sleep(AWAY_S)
    floor.move(HAND, infeed(0))


@pytest.mark.parametrize(
    ("contacts", "protocol", "answer_to_reset"),
    [
        (Contacts.T1, "T=1", "3B 85 81 31 FE 4D 49 44 53 49 4D DC"),
        (Contacts.T0, "T=0", "3B 05 49 44 53 49 4D"),
        (Contacts.T0_OR_T1, "T=1", "3B 85 80 01 49 44 53 49 4D 5E"),
    ],
)
async def test_it_reads_what_our_driver_wrote_and_sees_the_card_go_and_come(
    tmp_path: Path, contacts: Contacts, protocol: str, answer_to_reset: str
) -> None:
    require_pyscard()
    mark = tmp_path / "watching"
    async with bench(tmp_path, contacts=contacts) as here:
        async with here.encoder() as encoder:
            await encoder.write(CONTENTS)
        commands = [SELECT_APPLICATION]
        for file, data in FILES.items():
            commands += reading(file, len(data))
        commands.append("00D6000001FF")
        async with asyncio.TaskGroup() as group:
            group.create_task(take_away_and_put_back(mark, here.floor))
            said = await here.beside_pcscd(PYTHON, str(CLIENT), protocol, str(mark), *commands)
    assert said.status == 0, said.text
    told = json.loads(said.text.splitlines()[-1])
    print(f"peer pyscard: {told['version']}")
    assert told["reader"] == READER
    assert (told["atr"], told["again"]) == (answer_to_reset, answer_to_reset)
    *answers, (_, refused) = told["answers"]
    assert {words for _, words in answers} == {"9000"}
    assert refused == "6985"  # the card is locked
    assert "".join(data for data, _ in answers) == b"".join(FILES.values()).hex()
