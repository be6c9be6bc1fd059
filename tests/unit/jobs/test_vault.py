"""Sealing, and keys that exist once, are durable and can be destroyed."""

import stat
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jobs.vault import (
    KeyExists,
    KeyFolder,
    KeyFolderUnsafe,
    KeyMissing,
    SealBroken,
    open_sealed,
    seal,
)

KEY, NONCE = bytes(range(32)), bytes(range(12))


def test_what_is_sealed_opens_only_with_the_same_key_and_purpose() -> None:
    sealed = seal(KEY, "测试甲子".encode(), b"order 1", NONCE)
    assert open_sealed(KEY, sealed, b"order 1").decode() == "测试甲子"
    assert "测试甲子".encode() not in sealed
    with pytest.raises(SealBroken):
        open_sealed(KEY, sealed, b"order 2")
    with pytest.raises(SealBroken):
        open_sealed(bytes(32), sealed, b"order 1")


def test_the_sealed_form_is_version_nonce_ciphertext_and_tag() -> None:
    sealed = seal(KEY, b"abc", b"x", NONCE)
    assert sealed == b"\x01" + NONCE + AESGCM(KEY).encrypt(NONCE, b"abc", b"\x01x")
    assert len(sealed) == 1 + 12 + 3 + 16


def test_every_changed_bit_and_every_cut_is_noticed() -> None:
    sealed = seal(KEY, b"abc", b"x", NONCE)
    for place in range(len(sealed)):
        for bit in range(8):
            changed = bytearray(sealed)
            changed[place] ^= 1 << bit
            with pytest.raises(SealBroken):
                open_sealed(KEY, bytes(changed), b"x")
        with pytest.raises(SealBroken):
            open_sealed(KEY, sealed[:place], b"x")


def test_a_key_is_made_once_kept_privately_and_found_again(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    key = folder.new_key("B1", Random(1).randbytes)
    assert key == Random(1).randbytes(32)
    assert KeyFolder(tmp_path / "keys").key("B1") == key
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    (file,) = (tmp_path / "keys").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(KeyExists):
        folder.new_key("B1", Random(2).randbytes)
    assert folder.key("B1") == key
    assert len(list((tmp_path / "keys").iterdir())) == 1


def test_a_destroyed_key_is_gone_and_its_bytes_with_it(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.new_key("B1", Random(1).randbytes)
    other = folder.new_key("B2", Random(2).randbytes)
    kept = tmp_path / "second-name"
    kept.hardlink_to(tmp_path / "keys" / "B1.key")
    folder.destroy("B1")
    assert kept.read_bytes() == bytes(32)
    for attempt in (folder.key, folder.destroy):
        with pytest.raises(KeyMissing):
            attempt("B1")
    assert folder.key("B2") == other


def test_a_key_overwritten_but_not_yet_removed_counts_as_destroyed(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.new_key("B1", Random(1).randbytes)
    (tmp_path / "keys" / "B1.key").write_bytes(bytes(32))
    with pytest.raises(KeyMissing):
        folder.key("B1")
    folder.destroy("B1")
    assert list((tmp_path / "keys").iterdir()) == []


def test_what_a_crash_left_half_written_is_no_key(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    left = tmp_path / "keys" / "B1.new"
    left.write_bytes(b"half")
    with pytest.raises(KeyMissing):
        folder.key("B1")
    assert folder.new_key("B1", Random(1).randbytes) == folder.key("B1")
    assert not left.exists()


def test_keys_open_to_others_are_refused(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.new_key("B1", Random(1).randbytes)
    (tmp_path / "keys" / "B1.key").chmod(0o640)
    with pytest.raises(KeyFolderUnsafe):
        folder.key("B1")
    (tmp_path / "keys").chmod(0o750)
    with pytest.raises(KeyFolderUnsafe):
        KeyFolder(tmp_path / "keys")


def test_a_damaged_key_is_refused(tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path / "keys")
    folder.new_key("B1", Random(1).randbytes)
    (tmp_path / "keys" / "B1.key").write_bytes(b"short")
    with pytest.raises(KeyFolderUnsafe):
        folder.key("B1")


@pytest.mark.parametrize("batch_id", ["", "../B1", "a/b", ".hidden", "B1.key", "x" * 65])
def test_a_batch_id_is_never_a_path(tmp_path: Path, batch_id: str) -> None:
    with pytest.raises(AssertionError):
        KeyFolder(tmp_path / "keys").key(batch_id)
