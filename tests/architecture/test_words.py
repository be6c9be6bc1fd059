"""What must not be found: a switch for simulation, a library that was decided against."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Where a centre's file becomes processes: each may ask for what it says, and nothing else may.
ALLOWED = {
    "controller/assembly.py": "opens sim:// wires where there is a plant, at the pace of the file",
    "controller/command_line/packages.py": "a simulated centre may set the day",
    "controller/command_line/running.py": "a production file is not simulated",
    "controller/running.py": "sim:// wires need their machines, and a set day its clock",
}
SWITCH = re.compile(r"simulat|purpose|\bis_real\b|\bdry_run\b", re.IGNORECASE)
CHOICES = (ast.If, ast.IfExp, ast.While, ast.Match)


def choices_about_simulation(source: str) -> list[tuple[str, str]]:
    """Return each choice whose condition speaks of simulation: its function and the condition."""
    found = []

    def look(node: ast.AST, function: str) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, CHOICES):
            condition = node.subject if isinstance(node, ast.Match) else node.test
            if SWITCH.search(ast.unparse(condition)):
                found.append((function, ast.unparse(condition)))
        for child in ast.iter_child_nodes(node):
            look(child, function)

    look(ast.parse(source), "")
    return found


@pytest.mark.parametrize("folder", ["drivers", "jobs", "controller"])
def test_nothing_branches_on_being_simulated(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    names = {path: path.relative_to(ROOT).as_posix() for path in paths}
    found = {
        name: choices_about_simulation(path.read_text(encoding="utf-8"))
        for path, name in names.items()
        if name not in ALLOWED
    }
    assert found
    assert {name: choices for name, choices in found.items() if choices} == {}


def test_a_switch_would_be_found() -> None:
    source = "def send(self):\n    if self.simulating:\n        return\n"
    assert choices_about_simulation(source) == [("send", "self.simulating")]


@pytest.mark.parametrize(
    "library",
    [
        "pyserial-asyncio",
        "pyserial-asyncio-fast",
        "aioserial",
        "aiosqlite",
        "asyncio-mqtt",
        "looptime",
    ],
)
def test_libraries_that_were_decided_against_are_not_locked(library: str) -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "pyserial==" in lock
    assert not re.search(rf"^{library}==", lock, re.MULTILINE)


@pytest.mark.parametrize("peer", ["evolis-sdk", "minimalmodbus", "pymodbus"])
def test_what_judges_the_product_is_no_part_of_it(peer: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert any(each.startswith(peer) for each in project["optional-dependencies"]["dev"])
    assert not any(each.startswith(peer) for each in project["dependencies"])


def test_the_lock_file_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "--hash=sha256:" in lock
    assert "://" not in lock
    assert "index-url" not in lock


def test_no_class_of_ours_is_mocked() -> None:
    mocked = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "tests").rglob("*.py"))
        if re.search(
            r"^\s*(from|import) unittest(\.| import )mock", path.read_text("utf-8"), re.MULTILINE
        )
    ]
    assert mocked == []
