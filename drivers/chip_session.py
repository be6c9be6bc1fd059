"""One session with a chip: from its reset to power off, commands in and answers out.

Inside a secure channel each command and answer is wrapped, unseen by whoever asks. How commands
travel is the reader's business; what is written to a chip, and in which order, the encoder's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from drivers.apdu import Command, answer_data, select_application
from drivers.chip_keys import ChipKeys
from drivers.chip_reader import ChipReader
from drivers.errors import ChipKeysRefused, ChipRefused
from drivers.scp03 import ChipHello, SecureChannel, initialize_update, is_authentic
from drivers.t0 import as_asked

#: Refusals by which a chip tells that other keys belong to it: to the version asked for, to our
#: proof, and to a command that it decrypted with another key.
_NO_SUCH_KEYS: Final = frozenset({"6A88"})
_WRONG_PROOF: Final = frozenset({"6300", "6982", "6988", *(f"63C{n:X}" for n in range(16))})
_NOT_DECRYPTED: Final = frozenset({"6700", "6982", "6988", "6A80", "6A82", "6A86"})


class ChipSession:
    """A chip that has power and speaks T=1 or T=0."""

    def __init__(self, reader: ChipReader, protocol: int) -> None:
        self._reader = reader
        self._protocol = protocol
        self._channel: SecureChannel | None = None

    async def ask(self, command: Command) -> bytes:
        """Return the data of the chip's answer; raises `ChipRefused` on any other than 9000."""
        return answer_data(command, await self._answer(command))

    async def select_application(self, name: bytes) -> bytes:
        """Select by name, in the clear: that ends a channel. Returns the control parameters."""
        self._channel = None
        return await self.ask(select_application(name))

    async def open_channel(self, key_version: int, keys: ChipKeys) -> None:
        """Open a secure channel with the selected application; raises `ChipKeysRefused`.

        The chip proves its keys first: while they are not ours, it is given none of the wrong
        proofs that it counts.
        """
        challenge = keys.host_challenge()
        version = f"{key_version:02X}"
        with _refused_for_its_keys(_NO_SUCH_KEYS, version):
            hello = ChipHello.parse(await self.ask(initialize_update(key_version, challenge)))
        context = challenge + hello.challenge
        session_keys = await keys.session_keys(key_version, hello.diversification, context)
        if hello.key_version != key_version:
            raise ChipKeysRefused("The chip answers with another key version.", key_version=version)
        if not is_authentic(session_keys, context, hello.cryptogram):
            raise ChipKeysRefused("The chip does not hold our keys.", key_version=version)
        channel = SecureChannel(session_keys)
        with _refused_for_its_keys(_WRONG_PROOF, version):
            await self.ask(channel.external_authenticate(context))
        self._channel = channel

    async def prove_encryption(self, key_version: int, harmless: Command) -> None:
        """Ask something harmless in a new channel; raises `ChipKeysRefused`.

        Both proofs of the opening use the MAC key alone: a chip that cannot decrypt is not a bad
        chip, it holds another encryption key.
        """
        with _refused_for_its_keys(_NOT_DECRYPTED, f"{key_version:02X}"):
            await self.ask(harmless)

    async def _answer(self, command: Command) -> bytes:
        """Return the chip's whole answer as it would have come in the clear."""
        if self._channel is None:
            return await self._reader.transmit(command)
        answer = self._channel.unwrap(await self._reader.transmit(self._channel.wrap(command)))
        return answer if self._protocol == 1 else as_asked(command, answer)


@contextmanager
def _refused_for_its_keys(status_words: frozenset[str], key_version: str) -> Iterator[None]:
    """Tell a chip that is at fault from one that other keys belong to."""
    try:
        yield
    except ChipRefused as error:
        if error.facts.get("sw") not in status_words:
            raise
        raise ChipKeysRefused(
            error.detail, sw=error.facts["sw"], key_version=key_version
        ) from error
