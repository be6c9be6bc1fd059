"""A file of chip keys that cannot be used ends the start with one line that tells no key."""

from pathlib import Path

import pytest

from config.centre import shipped_centre
from tests.system.warm import cardcentre

KEY = "00112233445566778899aabbccddeeff"
TEST_KEY = bytes(range(0x40, 0x50)).hex()


def written(folder: Path, centre: str, key: str, mode: int) -> Path:
    """Write a centre's file and the file of its chips' keys; returns the first."""
    private = folder / "chip-keys"
    private.mkdir(mode=0o700)
    keys = private / "keys.toml"
    keys.write_text(f'[[key_sets]]\nversion = 0x30\nenc = "{key}"\nmac = "{KEY}"\n', "utf-8")
    keys.chmod(mode)
    text = shipped_centre(centre).read_text(encoding="utf-8")
    text = text.replace("/var/lib/cardcentre/chip-keys/chip-keys.toml", str(keys))
    text = text.replace("/var/lib/cardcentre", str(folder)).replace("/run", str(folder / "run"))
    text = text.replace("port = 9464", "")
    if "[chip_keys]" not in text:
        text += f'\n[chip_keys]\nfile = "{keys}"\n'
    file = folder / "centre.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("centre", "key", "mode", "why"),
    [
        ("simulated", KEY, 0o640, "is open to others: chmod 600"),
        ("simulated", KEY[1:], 0o600, "key_sets[0].enc"),
        ("production.example", TEST_KEY, 0o600, "holds the test key, which anybody may know"),
    ],
)
def test_a_key_file_that_cannot_be_used_starts_nothing(
    tmp_path: Path, centre: str, key: str, mode: int, why: str
) -> None:
    file = written(tmp_path, centre, key, mode)
    refused = cardcentre("run", "--centre", file)
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert why in refused.stderr
    told = cardcentre("--debug", "run", "--centre", file)
    assert told.returncode != 0
    for secret in {key, KEY}:
        assert secret not in refused.stderr + told.stderr + told.stdout


def test_a_simulation_needs_no_key_file(tmp_path: Path) -> None:
    """Its chips are made with the test key; a centre's file is tried before its keys are there."""
    file = written(tmp_path, "simulated", KEY, 0o640)
    done = cardcentre("simulate", "--centre", file, "--orders", "1", "--json")
    assert (done.returncode, done.stderr) == (0, "")
