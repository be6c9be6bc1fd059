"""The chip's end of the secure channel SCP03 (GlobalPlatform Amendment D, AES-128).

Authenticates the host, takes the protection off its commands and puts it on the answers. It does
not know which files the channel gives rights to (see `smart_card.py`).

Our own choices, where the documents leave them open: a wrong cryptogram or C-MAC at EXTERNAL
AUTHENTICATE costs one of the key's tries and answers 63Cx, and 6983 when none is left; a later
command that is not protected as agreed answers 6982 and ends the session, as GlobalPlatform asks;
an error status word goes out bare. Every security level that has C-MAC is accepted, whatever i is.
"""

import hmac
from dataclasses import dataclass, replace
from random import Random

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB
from cryptography.hazmat.primitives.cmac import CMAC

from simulators.card_commands import (
    AUTHENTICATION_BLOCKED,
    AUTHENTICATION_FAILED,
    CONDITIONS_NOT_SATISFIED,
    KEY_NOT_FOUND,
    MAC_BYTES,
    RIGHTS_MISSING,
    WRONG_LENGTH,
    WRONG_P1_P2,
    Command,
    Refused,
)
from simulators.floor import KEY_TRIES, ChipKeys

PROTOCOL = 0x03
BLOCK_BYTES = 16
CHALLENGE_BYTES = 8
#: Answers hold no more, so that they fit a short APDU when padded and followed by their R-MAC.
LONGEST_DATA_BYTES = 239
#: Bits of the security level, and of the channel's parameter i.
COMMAND_DECRYPTION, ANSWER_MAC, ANSWER_ENCRYPTION = 0x02, 0x10, 0x20
LEVELS = (0x01, 0x03, 0x11, 0x13, 0x33)
PSEUDO_RANDOM = 0x10
#: Derivation constants.
CARD_CRYPTOGRAM, HOST_CRYPTOGRAM, CARD_CHALLENGE = 0x00, 0x01, 0x02
SESSION_ENCRYPTION, SESSION_MAC, SESSION_ANSWER_MAC = 0x04, 0x06, 0x07


@dataclass(slots=True, repr=False)
class _Session:
    """Session keys, and how far the session has come; level 0: the host is not known yet."""

    encryption: bytes
    mac: bytes
    answer_mac: bytes
    host_cryptogram: bytes
    level: int = 0
    chain: bytes = bytes(BLOCK_BYTES)
    commands: int = 0


class SecureChannel:
    """The secure channel of one powered chip; a session is lost with it, the keys' tries are not.

    `application` is the name that pseudo-random challenges depend on, `diversification` ten bytes
    that tell a host which chip this is.
    """

    def __init__(
        self, keys: ChipKeys, application: bytes, diversification: bytes, random: Random
    ) -> None:
        self._keys = keys
        self._application = application
        self._diversification = diversification
        self._random = random
        self._session: _Session | None = None

    @property
    def is_open(self) -> bool:
        """True while the host is authenticated."""
        return self._session is not None and self._session.level != 0

    def end(self) -> None:
        """Forget the session and its keys."""
        self._session = None

    def initialize_update(self, command: Command) -> bytes:
        """Begin a session; any earlier one ends."""
        self.end()
        if command.p1 not in {0, self._keys.version}:
            raise Refused(KEY_NOT_FOUND)
        if command.p2:
            raise Refused(WRONG_P1_P2)
        if len(command.data) != CHALLENGE_BYTES:
            raise Refused(WRONG_LENGTH)
        if not self._keys.tries_left:
            raise Refused(AUTHENTICATION_BLOCKED)
        challenge, counter = self._challenge()
        context = command.data + challenge
        session_mac = _derived(self._keys.mac, SESSION_MAC, context, BLOCK_BYTES)
        self._session = _Session(
            _derived(self._keys.encryption, SESSION_ENCRYPTION, context, BLOCK_BYTES),
            session_mac,
            _derived(self._keys.mac, SESSION_ANSWER_MAC, context, BLOCK_BYTES),
            _derived(session_mac, HOST_CRYPTOGRAM, context, CHALLENGE_BYTES),
        )
        about_keys = bytes([self._keys.version, PROTOCOL, self._keys.parameter])
        cryptogram = _derived(session_mac, CARD_CRYPTOGRAM, context, CHALLENGE_BYTES)
        return self._diversification + about_keys + challenge + cryptogram + counter

    def _challenge(self) -> tuple[bytes, bytes]:
        """Return a new challenge, and the counter that goes with it when it is pseudo-random."""
        if not self._keys.parameter & PSEUDO_RANDOM:
            return self._random.randbytes(CHALLENGE_BYTES), b""
        self._keys.sessions += 1
        counter = self._keys.sessions.to_bytes(3, "big")
        context = counter + self._application
        return _derived(self._keys.encryption, CARD_CHALLENGE, context, CHALLENGE_BYTES), counter

    def external_authenticate(self, command: Command) -> None:
        """Believe the host if it knows the keys; the session then has the level that it asks."""
        session, self._session = self._session, None
        if session is None or session.level:
            raise Refused(CONDITIONS_NOT_SATISFIED)
        if command.p1 not in LEVELS or command.p2:
            raise Refused(WRONG_P1_P2)
        if len(command.data) != CHALLENGE_BYTES + MAC_BYTES:
            raise Refused(WRONG_LENGTH)
        if not self._keys.tries_left:
            raise Refused(AUTHENTICATION_BLOCKED)
        self._keys.tries_left -= 1  # before the comparison: a power cut must not give it back
        known = hmac.compare_digest(command.data[:CHALLENGE_BYTES], session.host_cryptogram)
        if not (_takes_mac(session, command) and known):
            raise Refused(AUTHENTICATION_FAILED | self._keys.tries_left)
        self._keys.tries_left = KEY_TRIES
        session.level = command.p1
        self._session = session

    def opened(self, command: Command) -> Command:
        """Return the plain command; ends the session if it is not protected as agreed."""
        session, self._session = self._session, None
        if session is None or not session.level or not _takes_mac(session, command):
            raise Refused(RIGHTS_MISSING)
        session.commands += 1
        data = command.data[:-MAC_BYTES]
        if data and session.level & COMMAND_DECRYPTION:
            data = _decrypted(session, data)
        self._session = session
        return replace(command, cla=0x00, data=data)

    def protected(self, data: bytes, status: int) -> bytes:
        """Return response data as it goes out with this status word."""
        session = self._session
        if session is None or not session.level & ANSWER_MAC:
            return data
        if data and session.level & ANSWER_ENCRYPTION:
            encryptor = _cipher(session, from_card=True).encryptor()
            padding = b"\x80" + bytes(-(len(data) + 1) % BLOCK_BYTES)
            data = encryptor.update(data + padding) + encryptor.finalize()
        covered = session.chain + data + status.to_bytes(2, "big")
        return data + _cmac(session.answer_mac, covered)[:MAC_BYTES]


def _takes_mac(session: _Session, command: Command) -> bool:
    """Check a command's C-MAC and go on in the chain of them."""
    if len(command.data) < MAC_BYTES:
        return False
    header = bytes([command.cla, command.ins, command.p1, command.p2, len(command.data)])
    body, mac = command.data[:-MAC_BYTES], command.data[-MAC_BYTES:]
    session.chain = _cmac(session.mac, session.chain + header + body)
    return hmac.compare_digest(session.chain[:MAC_BYTES], mac)


def _decrypted(session: _Session, data: bytes) -> bytes:
    if len(data) % BLOCK_BYTES:
        raise Refused(RIGHTS_MISSING)
    decryptor = _cipher(session, from_card=False).decryptor()
    padded = decryptor.update(data) + decryptor.finalize()
    plain, mark, rest = padded.rpartition(b"\x80")
    if not mark or any(rest) or len(rest) >= BLOCK_BYTES:
        raise Refused(RIGHTS_MISSING)
    return plain


def _cipher(session: _Session, *, from_card: bool) -> Cipher[CBC]:
    """Return the cipher of this command's data or of its answer's."""
    counter = bytes([0x80 * from_card]) + session.commands.to_bytes(BLOCK_BYTES - 1, "big")
    # One block in ECB mode is how Amendment D makes an initial vector out of the counter.
    encryptor = Cipher(AES(session.encryption), ECB()).encryptor()  # noqa: S305
    return Cipher(AES(session.encryption), CBC(encryptor.update(counter)))


def _derived(key: bytes, constant: int, context: bytes, size: int) -> bytes:
    """Derive `size` bytes, at most one block (NIST SP 800-108, counter mode with CMAC)."""
    label = bytes(11) + bytes([constant])
    length_bits = (8 * size).to_bytes(2, "big")
    return _cmac(key, label + b"\x00" + length_bits + b"\x01" + context)[:size]


def _cmac(key: bytes, data: bytes) -> bytes:
    cmac = CMAC(AES(key))
    cmac.update(data)
    return cmac.finalize()
