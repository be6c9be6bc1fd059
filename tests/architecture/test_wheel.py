"""What is shipped: five packages of plain names, whole, and nobody else's of the same name."""

import subprocess
import sys
from email.message import Message
from email.parser import Parser
from importlib.metadata import distributions
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {"config", "controller", "drivers", "jobs", "simulators"}
DISTRIBUTION = "cardcentre"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    (path,) = folder.glob("*.whl")
    return ZipFile(path)


def metadata_of(wheel: ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return Parser().parsestr(wheel.read(name).decode())


def test_the_wheel_holds_five_packages_and_nothing_else(wheel: ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES
    assert len(tops) == len(PACKAGES) + 1


def test_the_wheel_holds_every_file_of_the_packages(wheel: ZipFile) -> None:
    there = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    shipped = {name for name in wheel.namelist() if name.split("/")[0] in PACKAGES}
    assert shipped == there


@pytest.mark.parametrize(
    "name",
    [
        "config/centres/production.example.toml",
        "config/centres/simulated.toml",
        "config/grafana/cardcentre.json",
        "config/prometheus/alerts.yml",
        "config/prometheus/prometheus.yml",
        "config/prometheus/recording.yml",
        "config/products/second-generation.toml",
        "config/products/layouts/second-generation.toml",
        "jobs/ledger/schema.sql",
        "jobs/package.xsd",
        "jobs/receipt.xsd",
    ],
)
def test_the_wheel_holds_what_is_read_at_run_time(wheel: ZipFile, name: str) -> None:
    assert wheel.read(name)


def test_the_wheel_may_not_be_published_and_has_one_command(wheel: ZipFile) -> None:
    metadata = metadata_of(wheel)
    assert metadata["Name"] == DISTRIBUTION
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])
    (name,) = (name for name in wheel.namelist() if name.endswith("entry_points.txt"))
    assert wheel.read(name).decode().split() == [
        "[console_scripts]",
        "cardcentre",
        "=",
        "controller.command_line.main:main",
    ]


def test_no_name_is_one_of_the_standard_library() -> None:
    assert not PACKAGES & sys.stdlib_module_names


def test_no_dependency_ships_one_of_the_names() -> None:
    found = {
        (name, line.split(",")[0].split("/")[0])
        for distribution in distributions()
        for name in (distribution.name,)  # its metadata are read once
        for line in (distribution.read_text("RECORD") or "").splitlines()
    }
    assert any(name != DISTRIBUTION for name, _ in found), "the environment was read"
    foreign = {name for name, top in found if Path(top).stem in PACKAGES and name != DISTRIBUTION}
    assert not foreign
