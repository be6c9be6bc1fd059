"""What the documents point to exists: files, folders, headings, pages and commands."""

import re
from pathlib import Path

import click
import pytest

from controller.command_line.commands import cli

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "samples").glob("*.md")]
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(
    r"`((?:benchmarks|config|controller|docs|drivers|jobs|samples|simulators|tests)/[\w./-]*)`"
)
#: A command as it is told: in back quotes, or after the prompt or alone on a line of a block.
COMMAND = re.compile(
    r"(?:`|^\$ |^ *|&& )cardcentre(?: --centre \S+| --debug)?((?: [a-z]+){1,2})", re.MULTILINE
)
NAMES = [path.relative_to(ROOT).as_posix() for path in DOCUMENTS]


def command_named(words: list[str]) -> click.Command | None:
    """Return the command that some words begin with; None if there is none."""
    found: click.Command = cli
    for word in words:
        if not isinstance(found, click.Group):
            return found
        inner = found.get_command(click.Context(found), word)
        if inner is None:
            return None
        found = inner
    return found


def test_there_are_documents() -> None:
    assert {"README.md", "ARCHITECTURE.md", "CHANGELOG.md", "docs/decisions/README.md"} <= {*NAMES}


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_links_lead_somewhere(document: Path) -> None:
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (document.parent / target.split("#")[0]).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_files_that_are_named_exist(document: Path) -> None:
    for name in PATH.findall(document.read_text(encoding="utf-8")):
        assert (ROOT / name).exists(), name


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_commands_that_are_named_exist(document: Path) -> None:
    for said in COMMAND.findall(document.read_text(encoding="utf-8")):
        assert command_named(said.split()) is not None, said


def test_a_command_that_does_not_exist_is_noticed() -> None:
    assert command_named(["card", "settle"]) is not None
    assert command_named(["card", "mend"]) is None
    assert command_named(["produce"]) is None


def test_every_decision_is_listed_once_and_tells_context_decision_and_consequences() -> None:
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    listed = LINK.findall((folder / "README.md").read_text(encoding="utf-8"))
    assert listed == records
    assert [int(name[:4]) for name in records] == list(range(1, len(records) + 1))
    for name in records:
        text = (folder / name).read_text(encoding="utf-8")
        assert text.startswith(f"# {name[:4]} ")
        assert re.search(r"^Date: \d{4}-\d\d-\d\d$", text, re.MULTILINE)
        parts = ("## Context", "## Decision", "## Consequences")
        assert [line for line in text.splitlines() if line.startswith("## ")] == list(parts)
