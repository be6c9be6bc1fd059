"""The encoder driver over PC/SC, with pyscard's calls answered by ourselves."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event

import pytest

from drivers.chip_reader import EncoderTimeouts
from drivers.encoder import ChipEncoder
from drivers.errors import (
    ChipMute,
    ChipRefused,
    DriverError,
    Garbled,
    HardwareFault,
    NoCard,
    NotReady,
    ReplyTimeout,
    WireClosed,
    WireNotOpened,
)
from drivers.outcome import Outcome
from drivers.pcsc_reader import PcscReader
from tests.contract.ways import until
from tests.unit.drivers.encoder_peer import CONTENTS, PROFILE
from tests.unit.drivers.pyscard_peer import NAME, Pyscard, pyscard

pytestmark = pytest.mark.real_time
__all__ = ["pyscard"]

URL = "pcsc://Maker%20Reader%20%5BCCID%5D%20%281234%29"
SERIAL_NO, VERSION = 0x00010103, 0x00010102
NOT_TRANSACTED, UNRESPONSIVE = 0x80100016, 0x80100066


@asynccontextmanager
async def encoding(url: str = URL, timeout_s: float = 10.0) -> AsyncIterator[ChipEncoder]:
    reader = await PcscReader.open(url, EncoderTimeouts(timeout_s, timeout_s), timeout_s)
    encoder = ChipEncoder(reader, PROFILE)
    try:
        yield encoder
    finally:
        await encoder.aclose()


async def test_a_chip_is_written_and_judged_and_the_reader_let_go(pyscard: Pyscard) -> None:
    chip = pyscard.chip
    assert chip is not None
    async with encoding() as encoder:
        note = await encoder.write_note()
        await encoder.write(CONTENTS)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.DONE
    assert {number: bytes(chip.files[number]) for number in CONTENTS.files} == CONTENTS.files
    assert chip.life_cycle == 5
    assert pyscard.names().count("Connect") == pyscard.names().count("Disconnect")
    assert pyscard.names()[-1] == "ReleaseContext"


async def test_each_session_takes_the_chip_alone_and_begins_with_a_reset(pyscard: Pyscard) -> None:
    async with encoding() as encoder:
        await encoder.chip_serial()
    calls = pyscard.calls[2:]
    assert [name for name, _ in calls[:2]] == ["SCardConnect", "SCardReconnect"]
    assert calls[0][1] == ("context", f"{NAME} 00 00", pyscard.SCARD_SHARE_EXCLUSIVE, 3)
    assert calls[1][1][-1] == pyscard.SCARD_UNPOWER_CARD
    assert ("SCardDisconnect", ("handle", pyscard.SCARD_UNPOWER_CARD)) in calls


async def test_a_reader_is_who_it_says_or_whom_its_name_says(pyscard: Pyscard) -> None:
    async with encoding() as encoder:
        nameless = await encoder.identify()
        pyscard.attributes = {SERIAL_NO: b"SN-77\0", VERSION: b"\x00\x00\x05\x01"}
        named = await encoder.identify()
        assert (await encoder.write_note())["serial_number"] == "SN-77"
    assert (nameless.model, nameless.serial_number) == (f"{NAME} 00 00", NAME)
    assert (named.serial_number, named.firmware, nameless.firmware) == ("SN-77", "1.05", "")


async def test_a_service_that_dies_does_not_make_another_reader_of_ours(pyscard: Pyscard) -> None:
    """Evidence of another reader would put the card in doubt."""
    pyscard.attributes = {SERIAL_NO: b"SN-77\0"}
    async with encoding() as encoder:
        note = await encoder.write_note()
        pyscard.fails["SCardGetAttrib"] = 0x8010001D
        with pytest.raises(WireClosed):
            await encoder.write_outcome(note, CONTENTS)


@pytest.mark.parametrize(
    ("url", "readers", "found"),
    [
        (URL, ["Other 00 00", f"{NAME} 01 00"], f"{NAME} 01 00"),
        (f"{URL}%2001%2000", [f"{NAME} 00 00", f"{NAME} 01 00"], f"{NAME} 01 00"),
        ("pcsc://Simple", ["Simple"], "Simple"),
    ],
)
async def test_a_reader_is_found_by_its_name_with_and_without_its_numbers(
    pyscard: Pyscard, url: str, readers: list[str], found: str
) -> None:
    pyscard.readers = readers
    async with encoding(url) as encoder:
        assert (await encoder.identify()).model == found


@pytest.mark.parametrize(
    ("readers", "said"),
    [
        ([f"{NAME} 00 00", f"{NAME} 01 00"], f"several readers are called so: {URL}%2000%2000, "),
        (["A/B 00 00"], "there is no such reader: pcsc://A%2FB%2000%2000"),
        ([], "there is no such reader: none is connected"),
    ],
)
async def test_a_reader_that_cannot_be_told_is_refused_with_those_that_there_are(
    pyscard: Pyscard, readers: list[str], said: str
) -> None:
    pyscard.readers = readers
    with pytest.raises(WireNotOpened) as refused:
        await PcscReader.open(URL, EncoderTimeouts(), 10.0)
    assert said in str(refused.value)
    assert pyscard.names()[-1] == "ReleaseContext"


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0x8010001D, "the PC/SC service is not running: `systemctl start pcscd`"),
        (0x8010001D - (1 << 32), "the PC/SC service is not running"),  # as 32 bits give it
        (0x8010006A, "the PC/SC service hangs up: it refuses this user"),
        (0x80100001, "error 80100001"),
    ],
)
async def test_a_service_that_is_not_there_is_told_with_what_to_do(
    pyscard: Pyscard, number: int, said: str
) -> None:
    pyscard.fails["SCardEstablishContext"] = number
    with pytest.raises(WireNotOpened, match=said):
        await PcscReader.open(URL, EncoderTimeouts(), 10.0)


async def test_pyscard_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "smartcard", None)
    with pytest.raises(WireNotOpened, match="install cardcentre with its extra `pcsc`"):
        await PcscReader.open(URL, EncoderTimeouts(), 10.0)


@pytest.mark.parametrize(
    ("function", "number", "error"),
    [
        ("Connect", 0x80100009, WireClosed),
        ("Connect", 0x8010000B, NotReady),
        ("Connect", 0x8010000C, NoCard),
        ("Connect", 0x8010000F, ChipMute),
        ("Connect", 0x80100017, WireClosed),
        ("Connect", 0x80100003, WireClosed),
        ("Reconnect", UNRESPONSIVE, ChipMute),
        ("Reconnect", 0x80100067, ChipMute),
        ("Reconnect", 0x8010000B, NotReady),
        ("Transmit", 0x80100069, NoCard),
        ("Transmit", 0x80100017, WireClosed),
        ("Transmit", 0x8010001D, WireClosed),
        ("Transmit", 0x80100013, WireClosed),
        ("Transmit", 0x8010006A, WireClosed),
        ("Transmit", 0x80100013 - (1 << 32), WireClosed),
        ("Transmit", 0x80100068, Garbled),
        ("Transmit", 0x8010000A, ReplyTimeout),
        ("Transmit", 0x80100001, HardwareFault),
    ],
)
async def test_each_number_says_what_must_happen_next(
    pyscard: Pyscard, function: str, number: int, error: type[DriverError]
) -> None:
    async with encoding() as encoder:
        pyscard.fails[f"SCard{function}"] = number
        with pytest.raises(error) as failed:
            await encoder.chip_serial()
        assert type(failed.value) is error
        pyscard.fails.clear()
        assert await encoder.chip_serial() == bytes.fromhex("2299010203040506")
    assert pyscard.names().count("Disconnect") >= pyscard.names().count("Reconnect")


async def test_what_a_broken_session_left_is_let_go_before_anything_is_asked(
    pyscard: Pyscard,
) -> None:
    """A chip that was reset under an old handle answers nothing through it any more."""
    async with encoding() as encoder:
        note = await encoder.write_note()
        pyscard.fails["SCardTransmit"] = NOT_TRANSACTED
        with pytest.raises(Garbled):
            await encoder.write(CONTENTS)
        pyscard.fails.clear()
        begin = len(pyscard.calls)
        assert await encoder.write_outcome(note, CONTENTS) is Outcome.NOT_DONE
    assert pyscard.names(begin)[:3] == ["Disconnect", "Connect", "GetAttrib"]


@pytest.mark.parametrize(
    ("state", "reset", "error"),
    [
        (Pyscard.SCARD_STATE_PRESENT, 0, Garbled),
        (Pyscard.SCARD_STATE_PRESENT, UNRESPONSIVE, ChipMute),
        (Pyscard.SCARD_STATE_EMPTY, 0, NoCard),
        (Pyscard.SCARD_STATE_UNAVAILABLE, 0, WireClosed),
    ],
)
async def test_a_command_that_fails_is_blamed_on_the_chip_only_if_a_reset_shows_it(
    pyscard: Pyscard, state: int, reset: int, error: type[DriverError]
) -> None:
    async with encoding() as encoder:
        await encoder.chip_serial()
        pyscard.fails["SCardTransmit"] = NOT_TRANSACTED
        pyscard.state = state
        calls = pyscard.calls

        def fail_the_second_reset(code: int, *_: object) -> tuple[int, int]:
            resets = pyscard.names(begin).count("Reconnect")
            return (reset if resets > 1 else code), pyscard.SCARD_PROTOCOL_T1

        begin = len(calls)
        pyscard._reconnect = fail_the_second_reset  # type: ignore[method-assign]  # mischief
        with pytest.raises(error) as failed:
            await encoder.chip_serial()
        assert type(failed.value) is error


async def test_an_empty_reader_and_one_that_was_pulled(pyscard: Pyscard) -> None:
    async with encoding() as encoder:
        assert await encoder.card_present()
        pyscard.chip = None
        assert not await encoder.card_present()
        with pytest.raises(NoCard):
            await encoder.write_note()
        pyscard.state = pyscard.SCARD_STATE_UNKNOWN
        with pytest.raises(WireClosed):
            await encoder.card_present()


async def test_a_card_that_the_service_has_not_noticed_yet_is_waited_for(pyscard: Pyscard) -> None:
    pyscard.chip, pyscard.chip_to_be_noticed = None, pyscard.chip
    async with encoding() as encoder:
        assert not await encoder.card_present()
        assert await encoder.chip_serial()


async def test_a_refusal_ends_the_session_and_frees_the_reader(pyscard: Pyscard) -> None:
    assert pyscard.chip is not None
    pyscard.chip.refuse[0xB0] = "6982"
    async with encoding() as encoder:
        with pytest.raises(ChipRefused):
            await encoder.chip_serial()
        assert pyscard.names()[-1] == "Disconnect"


async def test_a_call_that_hangs_is_given_up_and_the_reader_let_go_when_it_returns(
    pyscard: Pyscard,
) -> None:
    pyscard.hangs = Event()
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    async with encoding(timeout_s=0.2) as encoder:
        with pytest.raises(ReplyTimeout):
            await encoder.write(CONTENTS)
        with pytest.raises(ReplyTimeout):
            await encoder.card_present()
    assert loop.time() - begun_s < 5.0
    assert pyscard.names()[-1] == "Transmit"
    pyscard.hangs.set()
    await until(lambda: pyscard.names()[-1] == "ReleaseContext", timeout_s=10.0)
    # What was given up has not been done any more.
    assert pyscard.names().count("Transmit") == 1
    assert "GetStatusChange" not in pyscard.names()
    assert pyscard.names()[-2:] == ["Disconnect", "ReleaseContext"]
