"""`config check`: a programme's file is told from a centre's, and all its mistakes are told."""

from pathlib import Path

from click.testing import CliRunner, Result

from config.centre import shipped_centre
from controller.command_line.configuration import config

PROGRAMMES = shipped_centre("simulated").parents[1] / "programmes"
JILIN = PROGRAMMES / "jilin-2004.toml"


def check(file: Path) -> Result:
    return CliRunner().invoke(config, ["check", str(file)])


def test_a_sound_programme_is_told_by_its_figures() -> None:
    ended = check(JILIN)
    assert ended.exit_code == 0
    assert ended.stdout == (
        f"{JILIN}: sound; jilin-2004 is for 18,000,000 people from 2004-09-01 to 2008-12-31, "
        "with a start for 60 of 60 counties\n"
    )


def test_all_mistakes_of_a_programme_are_told_and_the_command_ends_with_2(tmp_path: Path) -> None:
    text = JILIN.read_text(encoding="utf-8")
    text = text.replace("people = 200_000", "people = 200_001")
    text = text.replace('code = "2204"', 'code = "2299"')
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    ended = check(tmp_path / "own.toml")
    assert ended.exit_code == 2
    assert "targets: add up to 18,000,001 people, not to 18,000,000" in ended.stderr
    assert "counties[25].code: there is no prefecture 2204" in ended.stderr
    assert "5 mistakes, nothing was started" in ended.stderr


def test_a_centres_file_is_still_a_centres_file(tmp_path: Path) -> None:
    ended = check(shipped_centre("simulated"))
    assert ended.exit_code == 0
    assert "simulated is for simulation, with 1 line, 10 stations" in ended.stdout
    (tmp_path / "empty.toml").touch()
    ended = check(tmp_path / "empty.toml")
    assert ended.exit_code == 2
    assert "lines: Field required" in ended.stderr
