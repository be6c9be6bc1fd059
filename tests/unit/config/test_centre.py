"""A centre's file: every mistake at once with its path, and what a production centre may not."""

import os
from datetime import date
from pathlib import Path

import pytest

from config.centre import load_centre, shipped_centre
from config.chip_keys import ChipKeySettings, why_not_in_production
from config.loading import ConfigError
from config.products import ChipProfile

SIMULATED = shipped_centre("simulated").read_text(encoding="utf-8")
PRODUCTION = shipped_centre("production.example").read_text(encoding="utf-8")


def mistakes(folder: Path, text: str) -> list[str]:
    """Return what is said about a file."""
    path = folder / "centre.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load_centre(path)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("name", ["simulated", "production.example"])
def test_the_shipped_files_are_sound(name: str) -> None:
    assert load_centre(shipped_centre(name)).lines


def test_all_mistakes_are_told_at_once_each_with_its_path(tmp_path: Path) -> None:
    text = SIMULATED.replace(
        'kind = "encoder", url = "sim://encoder-1"', 'kind = "oven", url = "x"'
    )
    text = text.replace("box_size = 20", "box_size = 0\nboxes = 3").replace(
        "pace = 1.0", "pace = 0"
    )
    found = mistakes(tmp_path, text)
    assert [problem.split(":")[0] for problem in found] == [
        "lines[0].stations[4].kind",
        "limits.box_size",
        "limits.boxes",
        "simulation.pace",
    ]
    assert "there is no such setting" in found[2]


def test_a_list_that_lost_its_only_member_is_not_called_too_short_besides(tmp_path: Path) -> None:
    found = mistakes(tmp_path, SIMULATED.replace("trays = 8", "trays = 99"))
    assert len(found) == 1
    assert found[0].startswith("lines[0].trays")


def test_a_production_centre_has_no_simulated_machine_no_set_date_and_no_test_keys(
    tmp_path: Path,
) -> None:
    text = SIMULATED.replace('purpose = "simulation"', 'purpose = "production"')
    found = mistakes(tmp_path, text)
    assert len(found) == 13
    assert found[0].startswith("products[0]: ")
    assert "[chip_keys] file" in found[0]
    place = "lines[0].stations[0].url"
    assert f"{place}: a production centre has no simulated machine: sim://printer-1" in found
    text = "a production centre has no [simulation], and no date but today's"
    assert found[-1] == f"simulation: {text}"


def test_a_production_centre_of_chips_names_the_file_of_their_keys(tmp_path: Path) -> None:
    named = '[chip_keys]\nfile = "/var/lib/cardcentre/chip-keys/chip-keys.toml"\n'
    assert named in PRODUCTION
    assert mistakes(tmp_path, PRODUCTION.replace(named, "")) == [
        "products[1]: second-generation needs the keys that its chips come with: [chip_keys] file"
    ]
    text = PRODUCTION.replace(named, '[chip_keys]\nfile = "secret/keys.toml"\n')
    path = tmp_path / "centre.toml"
    path.write_text(text, encoding="utf-8")
    keys = load_centre(path).chip_keys
    assert keys is not None
    assert keys.file == tmp_path / "secret/keys.toml"


def test_a_production_centre_may_not_write_plain_chips() -> None:
    keys = ChipKeySettings(file=Path("keys.toml"))
    assert why_not_in_production("any", ChipProfile.RID2_PLAIN, keys) == [
        "any writes chips without secure messaging (rid2-plain), which a production centre may not"
    ]
    assert why_not_in_production("any", ChipProfile.RID2, keys) == []
    assert why_not_in_production("any", None, None) == []


def test_a_route_needs_a_station_for_each_operation_and_names_are_used_once(tmp_path: Path) -> None:
    text = PRODUCTION.replace('    { name = "inspection-1", kind = "inspection" },\n', "")
    text = text.replace('name = "printer-2"', 'name = "printer-1"')
    assert mistakes(tmp_path, text) == [
        "lines[0].stations[1].name: printer-1 is used twice, first in lines[0].stations[0].name",
        "products[0]: no station for the operation 'inspect' of first-generation",
    ]


@pytest.mark.parametrize(
    ("sound", "wrong", "place"),
    [
        ('["second-generation"]', "[]", "products"),
        ("2005-09-05", "9999-12-31", "simulation.calendar_date"),
        ("2005-09-05", "0001-01-01", "simulation.calendar_date"),
        ("[limits]", '[api]\nsocket = ""\n[limits]', "api.socket"),
    ],
)
def test_what_could_only_fail_later_is_a_mistake(
    tmp_path: Path, sound: str, wrong: str, place: str
) -> None:
    (found,) = mistakes(tmp_path, SIMULATED.replace(sound, wrong))
    assert found.startswith(f"{place}: ")


@pytest.mark.parametrize(
    ("sound", "wrong", "place"),
    [
        ("box_size = 20", "box_size = true", "limits.box_size"),
        ("box_size = 20", 'box_size = "3"', "limits.box_size"),
        ("box_size = 20", "box_size = 20.0", "limits.box_size"),
        ("pace = 1.0", 'pace = "1"', "simulation.pace"),
        ("pace = 1.0", "pace = true", "simulation.pace"),
        (
            "authorise_after_restart = false",
            'authorise_after_restart = "no"',
            "policy.authorise_after_restart",
        ),
        ("authorise_after_restart = false", "authorise_after_restart = 0", "policy.authorise"),
        ("2005-09-05", "1126000000", "simulation.calendar_date"),
        ('name = "simulated"', "name = 7", "name"),
    ],
)
def test_a_value_of_another_kind_is_a_mistake_and_not_turned_into_one(
    tmp_path: Path, sound: str, wrong: str, place: str
) -> None:
    assert SIMULATED.count(sound) == 1
    (found,) = mistakes(tmp_path, SIMULATED.replace(sound, wrong))
    assert found.startswith(place)


def test_whole_numbers_stand_for_measures_and_dates_may_be_written_as_text(tmp_path: Path) -> None:
    path = tmp_path / "centre.toml"
    text = SIMULATED.replace("pace = 1.0", "pace = 2").replace("2005-09-05", '"2005-09-06"')
    path.write_text(text, encoding="utf-8")
    simulation = load_centre(path).simulation
    assert simulation is not None
    assert (simulation.pace, simulation.calendar_date) == (2.0, date(2005, 9, 6))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf" + SIMULATED.encode(), "begins with a byte order mark"),
        (SIMULATED.encode("utf-16"), "is not UTF-8 text (line 1)"),
        (b"# a\n# \xb0C\n" + SIMULATED.encode(), "is not UTF-8 text (line 2)"),
    ],
)
def test_a_file_in_another_encoding_is_told_in_one_line(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "centre.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        load_centre(path)
    (problem,) = refused.value.problems
    assert said in str(problem)
    assert "save it as UTF-8" in str(problem)


def test_a_pipe_or_an_endless_file_is_no_centres_file(tmp_path: Path) -> None:
    pipe, long = tmp_path / "pipe.toml", tmp_path / "long.toml"
    os.mkfifo(pipe)
    long.touch()
    os.truncate(long, 10_000_000_000)
    for path, said in ((pipe, "is not a file"), (long, "is larger than 1000000 bytes")):
        with pytest.raises(ConfigError, match=said):
            load_centre(path)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://printer", "a wire begins with serial://, tcp://, sim://"),
        ("tcp://printer", "a TCP wire is tcp://HOST:PORT"),
        ("serial://ttyS0", "a serial wire is serial:///dev/NAME"),
    ],
)
def test_a_wire_that_cannot_be_is_refused_with_what_it_should_look_like(
    tmp_path: Path, url: str, said: str
) -> None:
    found = mistakes(tmp_path, SIMULATED.replace("sim://printer-1", url))
    assert any(said in problem for problem in found), found


def test_only_an_encoder_may_be_behind_pc_sc(tmp_path: Path) -> None:
    url = "pcsc://Maker%20Reader%20%5BCCID%5D%2000%2000"
    good = tmp_path / "good.toml"
    good.write_text(SIMULATED.replace("sim://encoder-1", url), encoding="utf-8")
    assert load_centre(good).lines[0].stations
    for other in ("printer-1", "reader-1", "line-1-transport"):
        found = mistakes(tmp_path, SIMULATED.replace(f"sim://{other}", url))
        assert len(found) == 1
        assert found[0].startswith("lines[0].")
        assert "only an encoder may be behind PC/SC (pcsc://)" in found[0]


@pytest.mark.parametrize("name", ["", "Maker Reader", "Maker%20[CCID]", "Maker/1", "Maker?x=1"])
def test_a_reader_behind_pc_sc_has_a_quoted_name(tmp_path: Path, name: str) -> None:
    found = mistakes(tmp_path, SIMULATED.replace("sim://encoder-1", f"pcsc://{name}"))
    assert any("a reader is pcsc://NAME, with %20 for a space" in one for one in found), found


def test_what_is_no_toml_or_not_there_is_one_clear_line(tmp_path: Path) -> None:
    (found,) = mistakes(tmp_path, "name = ")
    assert "not a TOML file" in found
    with pytest.raises(ConfigError, match="No such file"):
        load_centre(tmp_path / "nowhere.toml")
