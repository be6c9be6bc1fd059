"""The file of the chips' keys: who may read it, what may be in it, and that nothing tells it."""

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from config.centre import Centre, Purpose, load_centre, shipped_centre
from config.chip_keys import ChipKeySettings
from controller.chip_keys import ChipKeysNotUsable, chip_keys_of
from drivers.chip_keys import ChipKeys
from drivers.errors import ChipKeysRefused
from drivers.scp03 import derive_session_keys

ENC, MAC = "00112233445566778899AABBCCDDEEFF", "0123456789abcdef0123456789abcdef"
GOOD = f'[[key_sets]]\nversion = 0x30\nenc = "{ENC}"\nmac = "{MAC}"\n'
TEST_KEY = bytes(range(0x40, 0x50))
CONTEXT = bytes(range(16))


def centre(purpose: Purpose = Purpose.PRODUCTION, file: Path | None = None) -> Centre:
    """Return a centre; only its purpose and its keys matter."""
    shipped = load_centre(shipped_centre("production.example"))
    keys = file and ChipKeySettings(file=file)
    return shipped.model_copy(update={"purpose": purpose, "chip_keys": keys})


def key_file(folder: Path, text: str = GOOD) -> Path:
    keys = folder / "chip-keys"
    keys.mkdir(mode=0o700)
    file = keys / "keys.toml"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)
    return file


def opened(file: Path) -> ChipKeys:
    return chip_keys_of(centre(file=file), Random(1).randbytes)


def refusal(file: Path) -> str:
    with pytest.raises(ChipKeysNotUsable) as refused:
        opened(file)
    assert refused.value.__cause__ is None or isinstance(refused.value.__cause__, OSError)
    return str(refused.value)


async def test_a_private_file_gives_session_keys_and_challenges_that_differ(tmp_path: Path) -> None:
    keys = opened(key_file(tmp_path))
    derived = await keys.session_keys(0x30, bytes(10), CONTEXT)
    assert derived == derive_session_keys(bytes.fromhex(ENC), bytes.fromhex(MAC), CONTEXT)
    challenges = {keys.host_challenge() for _ in range(20)}
    assert len(challenges) == 20
    assert {len(challenge) for challenge in challenges} == {8}


async def test_a_version_that_is_not_there_is_told_as_the_keys_fault(tmp_path: Path) -> None:
    with pytest.raises(ChipKeysRefused) as refused:
        await opened(key_file(tmp_path)).session_keys(0x31, bytes(10), CONTEXT)
    assert refused.value.facts == {"key_version": "31"}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path)
    file.chmod(mode)
    assert refusal(file) == f"{file} is open to others: chmod 600 {file}"


@pytest.mark.parametrize("mode", [0o755, 0o710, 0o701])
def test_a_folder_that_others_may_enter_is_refused(tmp_path: Path, mode: int) -> None:
    file = key_file(tmp_path)
    file.parent.chmod(mode)
    assert refusal(file) == f"{file.parent} is open to others: chmod 700 {file.parent}"


def test_what_is_no_file_of_its_own_is_refused(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    link = file.with_name("link.toml")
    link.symlink_to(file)
    assert "cannot be read" in refusal(link)
    assert "No such file" in refusal(file.with_name("missing.toml"))
    assert "Is a directory" in refusal(file.parent / ".")
    pipe = file.with_name("pipe")
    os.mkfifo(pipe, 0o600)
    assert "is not a file" in refusal(pipe)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "key_sets"),
        ("key_sets = []", "key_sets"),
        (GOOD.replace("0x30", "0"), "key_sets[0].version"),
        (GOOD.replace(ENC, ENC[1:]), "key_sets[0].enc"),
        (GOOD.replace(MAC, MAC[:-1] + "g"), "key_sets[0].mac"),
        (GOOD.replace("mac", "dek"), "key_sets[0].dek: there is no such setting"),
        (GOOD + GOOD, "a key version comes twice"),
        (GOOD.replace('"', ""), "is no TOML file"),
        ("#" * 10_001, "larger than"),
    ],
)
def test_a_mistake_is_told_without_the_keys(tmp_path: Path, text: str, why: str) -> None:
    told = refusal(key_file(tmp_path, text))
    assert why in told
    assert ENC[1:-1] not in told
    assert MAC[1:-1] not in told


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    file = key_file(tmp_path)
    file.write_bytes(b"\xff\xfe")
    assert "is no TOML file" in refusal(file)


@pytest.mark.parametrize("name", ["enc", "mac"])
def test_a_production_centre_may_not_have_the_test_key(tmp_path: Path, name: str) -> None:
    file = key_file(tmp_path, GOOD.replace(ENC if name == "enc" else MAC, TEST_KEY.hex()))
    assert refusal(file) == f"{file} holds the test key, which anybody may know"
    chip_keys_of(centre(Purpose.SIMULATION, file), Random(1).randbytes)


async def test_without_a_file_a_simulated_centre_has_the_test_key_and_another_has_none() -> None:
    simulated = chip_keys_of(centre(Purpose.SIMULATION), Random(1).randbytes)
    derived = await simulated.session_keys(0x30, bytes(10), CONTEXT)
    assert derived == derive_session_keys(TEST_KEY, TEST_KEY, CONTEXT)
    none = chip_keys_of(centre(), Random(1).randbytes)
    with pytest.raises(ChipKeysRefused):
        await none.session_keys(0x30, bytes(10), CONTEXT)


def test_keys_are_never_shown(tmp_path: Path) -> None:
    keys = opened(key_file(tmp_path))
    derived = asyncio.run(keys.session_keys(0x30, bytes(10), CONTEXT))
    shown = f"{keys!r} {keys} {derived!r}"
    assert ENC.lower() not in shown.lower()
    assert repr(bytes.fromhex(ENC)) not in shown
    assert derived.encryption.hex() not in shown
    assert repr(derived.encryption) not in shown
