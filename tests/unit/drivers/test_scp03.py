"""SCP03 against bytes that nobody here made: a published card trace, and our own chip's session."""

import tomllib
from pathlib import Path

import pytest

from drivers.apdu import Command
from drivers.errors import ChipRefused, Garbled
from drivers.scp03 import (
    ChipHello,
    SecureChannel,
    SessionKeys,
    derive_session_keys,
    initialize_update,
    is_authentic,
)

GOLDEN = {
    vector["name"]: bytes.fromhex(vector["hex"])
    for vector in tomllib.loads(Path("tests/vectors/scp03.toml").read_text("utf-8"))["vector"]
}
TRACE, OURS = ("trace-33", "trace-key"), ("rid2", "rid2-test-key")
OK = b"\x90\0"


def command(encoded: bytes) -> Command:
    """Take a short APDU apart."""
    header, rest = encoded[:4], encoded[4:]
    if len(rest) < 2:
        return Command("any", header, b"", rest[0] if rest else None)
    data, expected = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    return Command("any", header, data, expected[0] if expected else None)


def handshake(session: str, keys: str) -> tuple[SessionKeys, bytes, ChipHello]:
    hello = ChipHello.parse(GOLDEN[f"{session}-initialize-update-answer"])
    context = command(GOLDEN[f"{session}-initialize-update"]).data + hello.challenge
    static = GOLDEN[f"{keys}-enc"], GOLDEN[f"{keys}-mac"]
    return derive_session_keys(*static, context), context, hello


def opened(session: str, keys: str) -> SecureChannel:
    session_keys, context, _ = handshake(session, keys)
    channel = SecureChannel(session_keys)
    channel.external_authenticate(context)
    return channel


@pytest.mark.parametrize(("session", "keys"), [TRACE, OURS])
def test_a_channel_opens_with_the_golden_bytes(session: str, keys: str) -> None:
    session_keys, context, hello = handshake(session, keys)
    assert hello.key_version == 0x30
    assert is_authentic(session_keys, context, hello.cryptogram)
    asked = initialize_update(0x30, context[:8]).encode()
    assert asked == GOLDEN[f"{session}-initialize-update"]
    proof = SecureChannel(session_keys).external_authenticate(context).encode()
    assert proof == GOLDEN[f"{session}-external-authenticate"]


@pytest.mark.parametrize("key", ["enc", "mac"])
def test_a_wrong_mac_key_shows_in_the_cryptogram_and_a_wrong_enc_key_does_not(key: str) -> None:
    static = {name: GOLDEN[f"trace-key-{name}"] for name in ("enc", "mac")}
    static[key] = bytes(16)
    _, context, hello = handshake(*TRACE)
    keys = derive_session_keys(static["enc"], static["mac"], context)
    assert is_authentic(keys, context, hello.cryptogram) == (key == "enc")


def test_every_case_of_command_is_wrapped_as_published() -> None:
    """The published tool expects no answer data where we do: what is before Le is compared."""
    channel = opened(*TRACE)
    names = ("read", "case-1", "case-2", "case-3", "case-4")
    for name in names:
        plain = GOLDEN["trace-read-plain" if name == "read" else f"trace-{name}-plain"]
        wrapped, golden = channel.wrap(command(plain)), GOLDEN[f"trace-33-{name}"]
        assert (wrapped.header, wrapped.data) == (golden[:4], command(golden).data), name
        assert wrapped.expected_bytes == 0
        assert not wrapped.repeatable


def test_a_published_answer_is_unwrapped() -> None:
    channel = opened(*TRACE)
    channel.wrap(command(GOLDEN["trace-read-plain"]))
    plain = channel.unwrap(GOLDEN["trace-33-read-answer"] + OK)
    assert plain == GOLDEN["trace-read-plain-answer"] + OK


def test_our_chips_session_has_the_golden_bytes() -> None:
    channel = opened(*OURS)
    session = (
        ("select-text", "00A4020C020001", ""),
        ("update", "00D60000051234567890", ""),
        ("read", "00B0000005", "1234567890"),
    )
    for name, plain, answer in session:
        wrapped = channel.wrap(command(bytes.fromhex(plain)))
        assert wrapped.encode() == GOLDEN[f"rid2-{name}"], name
        found = channel.unwrap(GOLDEN[f"rid2-{name}-answer"] + OK)
        assert found == bytes.fromhex(answer) + OK


def test_the_largest_command_of_the_profile_fits_one_block_of_254() -> None:
    largest = Command("UPDATE BINARY", b"\0\xd6\0\0", bytes(239))
    assert len(opened(*OURS).wrap(largest).encode()) == 254


def test_one_changed_bit_of_an_answer_is_noticed() -> None:
    answer = GOLDEN["trace-33-read-answer"] + OK
    for position in range(len(answer) - 2):
        channel = opened(*TRACE)
        channel.wrap(command(GOLDEN["trace-read-plain"]))
        changed = bytearray(answer)
        changed[position] ^= 1
        with pytest.raises(Garbled):
            channel.unwrap(bytes(changed))


@pytest.mark.parametrize("answer", ["9000", "01029000", "8F40A24D3299C6E19000"])
def test_a_good_answer_without_its_authentication_code_is_noticed(answer: str) -> None:
    channel = opened(*OURS)
    channel.wrap(command(bytes.fromhex("00A4020C020001")))
    with pytest.raises(Garbled):
        channel.unwrap(bytes.fromhex(answer))


def test_an_error_comes_in_the_clear() -> None:
    channel = opened(*OURS)
    channel.wrap(command(bytes.fromhex("00A4020C020001")))
    assert channel.unwrap(b"\x69\x85") == b"\x69\x85"


@pytest.mark.parametrize(
    ("position", "value"), [(11, 2), (12, 0x01), (12, 0x10)], ids=["SCP02", "long MACs", "short"]
)
def test_another_channel_than_ours_is_refused(position: int, value: int) -> None:
    answer = bytearray(GOLDEN["rid2-initialize-update-answer"])
    answer[position] = value
    with pytest.raises(ChipRefused):
        ChipHello.parse(bytes(answer))


def test_a_hello_cut_off_anywhere_is_refused() -> None:
    answer = GOLDEN["rid2-initialize-update-answer"]
    for length in range(len(answer)):
        with pytest.raises(ChipRefused):
            ChipHello.parse(answer[:length])


def test_keys_are_never_shown() -> None:
    keys, _, _ = handshake(*TRACE)
    channel = SecureChannel(keys)
    shown = repr(keys) + str(keys) + repr(channel)
    for key in (keys.encryption, keys.command_mac, keys.answer_mac):
        assert key.hex() not in shown
        assert repr(key) not in shown
