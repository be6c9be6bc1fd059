"""Personal data under lock: AES-256-GCM with one key per batch, and the folder of those keys.

Destroying a batch's key is how its personal data is deleted, so a key exists in one file only and
nowhere else. What is sealed, where the sealed bytes lie and when a key is destroyed is decided
elsewhere; random bytes are handed in.
"""

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jobs.errors import JobsError

KEY_BYTES = 32
NONCE_BYTES = 12
_VERSION = b"\x01"
_BATCH_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class VaultError(JobsError):
    """Personal data cannot be sealed or opened."""

    code = "vault"


class SealBroken(VaultError):
    """These bytes were not sealed with this key for this purpose, or were changed since."""

    code = "vault.seal_broken"


class KeyMissing(VaultError):
    """The batch has no key, or had one that was destroyed."""

    code = "vault.key_missing"


class KeyWrong(VaultError):
    """This key is another one than that which was used before."""

    code = "vault.key_wrong"


class KeyExists(VaultError):
    """The batch has a key already."""

    code = "vault.key_exists"


class KeyFolderUnsafe(VaultError):
    """The key folder or a key in it is open to others or is not what it should be."""

    code = "vault.key_folder_unsafe"


def seal(key: bytes, plaintext: bytes, associated: bytes, nonce: bytes) -> bytes:
    """Return version, nonce and ciphertext. `associated` names what it is and must be given again.

    A nonce must never come twice under one key: hand in 12 fresh random bytes.
    """
    assert len(nonce) == NONCE_BYTES
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, plaintext, _VERSION + associated)


def open_sealed(key: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Return the plaintext, or raise `SealBroken`."""
    if sealed[:1] != _VERSION or len(sealed) < 1 + NONCE_BYTES + 16:
        raise SealBroken("these are no sealed bytes of a known version")
    nonce = sealed[1 : 1 + NONCE_BYTES]
    try:
        return AESGCM(key).decrypt(nonce, sealed[1 + NONCE_BYTES :], _VERSION + associated)
    except InvalidTag:
        raise SealBroken("the key, the purpose or the bytes are not the ones sealed") from None


class KeyFolder:
    """One file of 32 bytes per batch, mode 0600, in a folder of mode 0700.

    `sync` makes a descriptor's file durable; only a folder that is thrown away does without.
    """

    def __init__(self, folder: Path, sync: Callable[[int], None] = os.fsync) -> None:
        self._folder = folder
        self._sync = sync
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(folder.stat().st_mode) & 0o077:
            raise KeyFolderUnsafe(f"{folder} is open to others: it must have mode 0700")

    def new_key(self, batch_id: str, entropy: Callable[[int], bytes]) -> bytes:
        """Make the key of a batch and return it once it is durable.

        A key that exists is never replaced (`KeyExists`): what it sealed would be lost.
        """
        path = self._path(batch_id)
        key = entropy(KEY_BYTES)
        assert len(key) == KEY_BYTES
        half_written = path.with_suffix(".new")
        half_written.unlink(missing_ok=True)
        self._write_durably(half_written, key, os.O_CREAT | os.O_EXCL)
        try:
            # Unlike a rename, a link fails where there is a key already.
            os.link(half_written, path)
        except FileExistsError:
            raise KeyExists(f"batch {batch_id} has a key already") from None
        finally:
            half_written.unlink()
        self._sync_folder()
        return key

    def key(self, batch_id: str) -> bytes:
        """Return the key of a batch."""
        try:
            descriptor = os.open(self._path(batch_id), os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise KeyMissing(f"batch {batch_id} has no key") from None
        with os.fdopen(descriptor, "rb") as file:
            mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
            key = file.read(KEY_BYTES + 1)
        if key == bytes(KEY_BYTES):
            raise KeyMissing(f"the key of batch {batch_id} is destroyed")
        if mode & 0o077 or len(key) != KEY_BYTES:
            raise KeyFolderUnsafe(f"the key of batch {batch_id} is open to others or damaged")
        return key

    def has_key(self, batch_id: str) -> bool:
        """Tell whether a batch has a key."""
        return self._path(batch_id).is_file()

    def destroy(self, batch_id: str) -> None:
        """Overwrite and remove the key of a batch; returns once that is durable.

        Overwriting is best effort, since the medium may keep old blocks; removal is not.
        """
        path = self._path(batch_id)
        try:
            self._write_durably(path, bytes(KEY_BYTES), os.O_NOFOLLOW)
        except FileNotFoundError:
            raise KeyMissing(f"batch {batch_id} has no key") from None
        path.unlink()
        # A crash in `new_key` may have left this second name of the key.
        path.with_suffix(".new").unlink(missing_ok=True)
        self._sync_folder()

    def _path(self, batch_id: str) -> Path:
        assert _BATCH_ID.fullmatch(batch_id), "a batch id is a plain word"
        return self._folder / f"{batch_id}.key"

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def _write_durably(self, path: Path, data: bytes, flags: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | flags, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            self._sync(descriptor)
