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
CONTRACTS = (LAYERS, ONLY_THE_ASSEMBLY, BOUND)


def verdicts(folder: Path) -> dict[str, str]:
    """Return what import-linter says of each contract in a folder."""
    command = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [command, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    found = {}
    for line in done.stdout.splitlines():
        words = line.split(" (")[0].rsplit(" ", 1)
        if len(words) == 2 and words[1] in {"KEPT", "BROKEN"}:
            found[words[0]] = words[1]
    assert found, done.stdout + done.stderr
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
    assert verdicts(ROOT) == dict.fromkeys(CONTRACTS, "KEPT")


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("jobs/rows.py", "from drivers.outcome import Outcome", LAYERS),
        ("drivers/outcome.py", "import simulators.xor", LAYERS),
        ("simulators/xor.py", "import drivers.xor_checksum", LAYERS),
        ("config/toml_text.py", "import jobs.errors", LAYERS),
        ("controller/journey.py", "import simulators.floor", ONLY_THE_ASSEMBLY),
        ("jobs/order_queue.py", "import jobs.bound", BOUND),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    copy: Path, module: str, line: str, broken: str
) -> None:
    plant(copy, module, line)
    assert verdicts(copy)[broken] == "BROKEN"
