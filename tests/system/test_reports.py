"""The reports as an operator gets them: a table, JSON, CSV, or a page that needs nothing else."""

import asyncio
import csv
import io
import json
import re
import shutil
from datetime import date, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.system.test_command_line import CENTRE, Ended, called, cardcentre
from tests.unit.controller.told_ledger import told_ledger

pytestmark = pytest.mark.real_time

PLAN = '[programme]\nplan = "jilin-2004"\n'
FIRST = date(2005, 1, 4)
SCALE = ("--scale", "100000")
REPORTS = (
    ("targets", *SCALE), ("counties", *SCALE), ("shift",), ("quality", "--year", "2005"),
    ("oee", "--from", "2005-01-10"),
)  # fmt: skip
BYTES_MAX = 2_000_000
CITIZEN_NUMBER = re.compile(r"(?<!\d)(\d{15}|\d{17}[\dX])(?!\d)", re.ASCII)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a ledger that has 14 days of two people."""
    path = tmp_path_factory.mktemp("told") / "ledger.sqlite"

    async def tell() -> None:
        async with told_ledger(path, FIRST) as told:
            for number in range(14):
                await told.day(FIRST + timedelta(days=number), 2)

    asyncio.run(tell())
    return path


@pytest.fixture
def folder(ledger: Path, tmp_path: Path) -> Path:
    """Return the folder of a centre on a copy of that ledger."""
    (tmp_path / "centre.toml").write_text(CENTRE + PLAN)
    shutil.copy(ledger, tmp_path)
    return tmp_path


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found[name] for name in ("href", "xlink:href", "src") if name in found]
        self.language = found.get("lang", self.language) if tag == "html" else self.language

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(
    ("report", "language"),
    [*((report, "zh") for report in REPORTS), (REPORTS[0], "en"), (REPORTS[1], "en")],
)
async def test_a_page_needs_nothing_else(
    report: tuple[str, ...], language: str, folder: Path
) -> None:
    file = folder / "page.html"
    ended = await called(folder, "report", *report, "--lang", language, "--html", str(file))
    assert (ended.code, ended.err) == (0, "")
    text = file.read_text(encoding="utf-8")
    page = Page(text)
    assert len(text.encode()) < BYTES_MAX
    assert page.language == {"en": "en", "zh": "zh-CN"}[language]
    assert "script" not in page.tags
    assert {link[:1] for link in page.links} <= {"#", "d"}  # its own parts, and an empty data: URL
    assert not re.search(r"url\((?!#|data:)", text)
    assert len(page.ids) == len(set(page.ids))
    assert "table" in page.tags
    assert ("svg" in page.tags) == (report[0] not in {"counties", "quality"})  # nothing was spoiled
    assert bool(re.search("[\u4e00-\u9fff]", page.text)) == (language == "zh")


@pytest.mark.parametrize("report", REPORTS, ids=lambda report: report[0])
async def test_a_report_is_a_table_json_or_csv(report: tuple[str, ...], folder: Path) -> None:
    table = await called(folder, "report", *report)
    plain = await called(folder, "report", *report, "--json")
    rows = await called(folder, "report", *report, "--csv", "--lang", "zh")
    assert [table.code, plain.code, rows.code] == [0, 0, 0]
    assert len(table.out.splitlines()) > 5
    assert isinstance(json.loads(plain.out), dict)
    assert len(list(csv.reader(io.StringIO(rows.out)))) > 5
    assert not CITIZEN_NUMBER.search(plain.out + table.out + rows.out)


async def test_the_figures_are_those_of_the_days_told(folder: Path) -> None:
    found = (await called(folder, "report", "targets", *SCALE, "--json")).plain
    assert found["standing"]["today"] == "2005-01-17"
    assert found["standing"]["counted"] == 28
    assert found["forecast"]["days_used"] == 10
    early = (
        await called(folder, "report", "targets", *SCALE, "--day", "2005-01-05", "--json")
    ).plain
    assert early["standing"]["counted"] == 4
    listed = (await called(folder, "report", "counties", "--json")).plain
    assert len(listed["started"]) + len(listed["unstarted"]) == 60
    assert listed["started"][0]["pilot"]
    rows = csv.reader(io.StringIO((await called(folder, "report", "counties", "--csv")).out))
    assert next(row for row in rows if row[:1] == ["220122"])[4:9] == ["28", "0", "28", "28", "28"]


async def test_every_second_is_said_to_have_a_cause(folder: Path) -> None:
    ended = await called(folder, "report", "oee", "--day", "2005-01-05")
    # Five stations of a day each.
    assert "5 stations × 86,400.0 s = 432,000.0 s; the causes together are 432,000.0 s: true" in (
        ended.out
    )


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["targets", "--programme", "nowhere"], 2, "there is no programme 'nowhere'"),
        (["targets", "--programme", "missing.toml"], 2, "missing.toml"),
        (["targets", "--scale", "1000000000"], 2, "can be divided by"),
        (["targets", "--year", "1999"], 2, "no target for 1999"),
        (["targets", "--year", "2006"], 1, "the ledger ends on 2005-01-17"),
        (["targets", "--year", "2005", "--day", "2005-01-05"], 2, "not both"),
        (["quality", "--day", "2005-01-05", "--year", "2005"], 2, "give --day, or --year"),
        (["oee", "--from", "2005-02-01", "--until", "2005-01-01"], 2, "is before"),
        (["oee", "--day", "2001-01-01"], 1, "the ledger has no moment of it"),
        (["shift", "--shift", "night"], 1, "that day has day"),
        (["shift", "--day", "2030-01-01"], 1, "the ledger has none"),
        (["quality", "--html", "no/such/folder/page.html"], 1, "cannot be written"),
        (["quality", "--ledger", "none.sqlite"], 1, "there is no ledger yet"),
    ],
)
async def test_what_cannot_be_reported_is_said(
    arguments: list[str], code: int, told: str, folder: Path
) -> None:
    ended: Ended = await called(folder, "report", *arguments)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert ended.err.startswith("cardcentre: ")
    assert "unexpected fault" not in ended.err


async def test_a_centre_without_a_plan_has_no_targets(folder: Path) -> None:
    (folder / "centre.toml").write_text(CENTRE)
    ended = await called(folder, "report", "targets")
    assert (ended.code, "works to no plan" in ended.err) == (1, True)
    other = await called(folder, "report", "targets", "--programme", "changchun-2005", "--json")
    assert other.plain["part_of"] == "jilin-2004"


async def test_the_process_says_the_same(folder: Path) -> None:
    ended = await cardcentre(folder, "report", "counties", "--lang", "zh")
    assert (ended.code, ended.err) == (0, "")
    assert "未启动的县" in ended.out
