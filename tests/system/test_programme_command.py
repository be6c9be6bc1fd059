"""`simulate --programme` as a person calls it: what it prints and writes, and what it refuses."""

import json
from pathlib import Path

import pytest

from controller.command_line.auditing import audit_ledger
from controller.command_line.commands import run

pytestmark = pytest.mark.real_time

PROGRAMME = ("simulate", "--programme", "jilin-2004")


def test_a_year_prints_its_account_and_writes_its_report_in_both_languages(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, ledger = tmp_path / "year.html", tmp_path / "year.sqlite"
    tiny = ("--year", "2005", "--scale", "200000", "--seed", "2")
    code = run([*PROGRAMME, *tiny, "--html", str(page), "--ledger", str(ledger), "--json"])
    told = capsys.readouterr()
    assert (code, told.err) == (0, "")
    found = json.loads(told.out)
    assert found["programme"] == "jilin-2004"
    assert found["people"] == 22
    assert found["balanced"] is True
    assert found["standing"]["today"] == "2005-12-31"
    assert len(found["months"]) == 12
    assert len(found["ledger_digest"]) == 64
    english = page.read_text(encoding="utf-8")
    chinese = (tmp_path / "year.zh.html").read_text(encoding="utf-8")
    assert "Exchange of second-generation identity cards in Jilin" in english
    assert "吉林省换发第二代居民身份证" in chinese
    assert english.count("<svg") == chinese.count("<svg") >= 3
    # A ledger that was closed has no companions.
    assert [path.name for path in tmp_path.glob("year.sqlite*")] == ["year.sqlite"]
    found_by_audit = audit_ledger(ledger)
    assert found_by_audit.problems == []
    assert found_by_audit.ledger_digest == found["ledger_digest"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "which year of the programme? give --year, or --day"),
        (("--year", "2005", "--day", "2005-11-08"), "which year of the programme?"),
        (("--year", "2012"), "jilin-2004 has no target for 2012"),
        (("--year", "2005", "--scale", "300000"), "leaves 15 people of 2005"),
        (("--day", "2005-11-08", "--scale", "10"), "a day is made at full size"),
        (("--day", "2005-10-03"), "2005-10-03 is no working day"),
        (("--year", "2005", "--orders", "10"), "--orders does not go with --programme"),
        (("--year", "2005", "--html", "/nowhere/at/all.html"), "there is no folder /nowhere/at"),
    ],
)
def test_what_makes_no_sense_is_refused(
    options: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*PROGRAMME, *options]) == 2
    assert told in capsys.readouterr().err


def test_an_unknown_programme_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--programme", "hebei-2004", "--year", "2005"]) == 2
    assert "there is no programme 'hebei-2004' (known: " in capsys.readouterr().err
    assert run(["simulate", "--programme", "gone.toml", "--year", "2005"]) == 2
    assert "gone.toml" in capsys.readouterr().err


def test_a_programmes_options_need_a_programme(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--year", "2005"]) == 2
    assert "--year needs --programme" in capsys.readouterr().err
