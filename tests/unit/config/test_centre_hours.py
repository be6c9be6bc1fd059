"""A centre's file on its hours and its plan: shifts that do not overlap, and a plan."""

from pathlib import Path

import pytest

from config.centre import Centre, load_centre, shipped_centre
from config.loading import ConfigError
from config.programme import shipped_programme
from config.shifts import Shift
from config.toml_text import toml_text
from controller.machine_server import derived_text

SIMULATED = shipped_centre("simulated").read_text(encoding="utf-8")


def centre(folder: Path, *, shifts: str = "", plan: str = "") -> Centre:
    programme = f'[programme]\nplan = "{plan}"'
    text = SIMULATED.replace("[[lines]]", f"{shifts}\n[[lines]]").replace("[programme]", programme)
    path = folder / "centre.toml"
    path.write_text(text, encoding="utf-8")
    return load_centre(path)


def mistakes(folder: Path, *, shifts: str = "", plan: str = "") -> list[str]:
    with pytest.raises(ConfigError) as refused:
        centre(folder, shifts=shifts, plan=plan)
    return [str(problem) for problem in refused.value.problems]


def shift(name: str, begins: str, ends: str) -> str:
    return f'[[shifts]]\nname = "{name}"\nbegins = "{begins}"\nends = "{ends}"\n'


def test_a_centre_without_shifts_and_plan_has_none(tmp_path: Path) -> None:
    plain = centre(tmp_path)
    assert plain.shifts == ()
    assert plain.programme.read_plan() is None


def test_shifts_are_read_in_minutes_of_the_day(tmp_path: Path) -> None:
    found = centre(
        tmp_path,
        shifts=shift("night", "22:00", "06:30")
        + shift("day", "06:30", "14:00")
        + shift("late", "14:00", "22:00"),
    )
    assert [(one.name, one.begins_minute, one.ends_minute) for one in found.shifts] == [
        ("night", 1320, 390),
        ("day", 390, 840),
        ("late", 840, 1320),
    ]
    assert Shift(name="all", begins="00:00", ends="24:00").ends_minute == 1440


@pytest.mark.parametrize(
    ("shifts", "told"),
    [
        (shift("day", "7:00", "15:00"), "shifts[0].begins: String should match pattern"),
        (shift("day", "07:00", "24:01"), "shifts[0].ends: String should match pattern"),
        (shift("day", "24:00", "07:00"), "shifts[0].begins: String should match pattern"),
        (shift("day", "07:00", "07:00"), "shifts[0]: day ends when it begins"),
        (
            shift("day", "07:00", "15:00") + shift("day", "15:00", "23:00"),
            "shifts[1].name: day is used twice",
        ),
        (
            shift("day", "07:00", "15:00") + shift("late", "14:59", "23:00"),
            "shifts[1]: late shares time with day",
        ),
        (
            shift("night", "22:00", "07:01") + shift("day", "07:00", "15:00"),
            "shifts[1]: day shares time with night",
        ),
        (
            shift("day", "07:00", "15:00") + shift("night", "22:00", "07:01"),
            "shifts[1]: night shares time with day",
        ),
        (
            shift("all", "00:00", "24:00") + shift("late", "23:00", "23:30"),
            "shifts[1]: late shares time with all",
        ),
    ],
)
def test_shifts_that_cannot_be_are_told_with_their_place(
    tmp_path: Path, shifts: str, told: str
) -> None:
    (found,) = mistakes(tmp_path, shifts=shifts)
    assert found.startswith(told)


def test_a_plan_is_a_shipped_programme_or_a_file_beside_the_centres(tmp_path: Path) -> None:
    jilin = shipped_programme("jilin-2004")
    assert centre(tmp_path, plan="jilin-2004").programme.read_plan() == jilin
    own = jilin.model_copy(update={"name": "own"}).model_dump(exclude_none=True)
    (tmp_path / "own.toml").write_text(toml_text(own), encoding="utf-8")
    read = centre(tmp_path, plan="own.toml").programme.read_plan()
    assert read is not None
    assert (read.name, read.counties) == ("own", jilin.counties)


def test_a_plan_that_cannot_be_used_is_told_when_the_centres_file_is_read(tmp_path: Path) -> None:
    assert mistakes(tmp_path, plan="jilin") == [
        "programme.plan: there is no programme 'jilin' (known: changchun-2005, jilin-2004)"
    ]
    with pytest.raises(ConfigError, match="No such file") as refused:
        centre(tmp_path, plan="own.toml")
    assert refused.value.file == tmp_path / "own.toml"
    (tmp_path / "own.toml").write_text('name = "own"', encoding="utf-8")
    assert "people: Field required" in mistakes(tmp_path, plan="own.toml")


def test_a_file_derived_elsewhere_still_finds_its_plan(tmp_path: Path) -> None:
    own = shipped_programme("jilin-2004").model_dump(exclude_none=True)
    (tmp_path / "own.toml").write_text(toml_text(own), encoding="utf-8")
    (line,) = centre(tmp_path, plan="own.toml").lines
    names = [f"{line.name}-transport", *(station.name for station in line.stations)]
    urls = {name: f"tcp://127.0.0.1:{9100 + number}" for number, name in enumerate(names)}
    elsewhere = tmp_path / "machines" / "centre.toml"
    elsewhere.parent.mkdir()
    elsewhere.write_text(derived_text(tmp_path / "centre.toml", urls, 1.0), encoding="utf-8")
    assert load_centre(elsewhere).programme.read_plan() == shipped_programme("jilin-2004")
