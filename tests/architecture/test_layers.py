"""The layers of ARCHITECTURE.md hold, and the contracts that say so can fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("config", "controller", "drivers", "jobs", "simulators")

LAYERS = "Layers: controller above drivers, jobs and simulators, above config"
ONLY_THE_ASSEMBLY = "Only the assembly reaches simulators"
BOUND = "What schedules does not know the bound that judges it"
MQTT = "Only the broker's file knows the MQTT library"
CONTRACTS = (LAYERS, ONLY_THE_ASSEMBLY, MQTT, BOUND)


def linted(folder: Path) -> str:
    """Return what import-linter says of a folder."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout


def verdicts(told: str) -> dict[str, str]:
    """Return the verdict on each contract."""
    found = {}
    for line in told.splitlines():
        words = line.split(" (")[0].rsplit(" ", 1)
        if len(words) == 2 and words[1] in {"KEPT", "BROKEN"}:
            found[words[0]] = words[1]
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def plant(folder: Path, module: str, line: str) -> None:
    path = folder / module
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_every_contract_is_kept() -> None:
    told = linted(ROOT)
    assert verdicts(told) == dict.fromkeys(CONTRACTS, "KEPT"), told


def test_forbidden_imports_break_every_contract(copy: Path) -> None:
    forbidden = {
        "jobs.rows": "drivers.outcome",
        "drivers.outcome": "simulators.xor",
        "simulators.xor": "jobs.errors",
        "config.toml_text": "jobs.reasons",
        "controller.journey": "simulators.floor",
        "jobs.order_queue": "jobs.bound",
        "controller.mqtt.forward": "aiomqtt",
    }
    for module, imported in forbidden.items():
        plant(copy, f"{module.replace('.', '/')}.py", f"import {imported}")
    told = linted(copy)
    assert verdicts(told) == dict.fromkeys(CONTRACTS, "BROKEN"), told
    for module, imported in forbidden.items():
        assert f"{module} -> {imported} " in told, told
