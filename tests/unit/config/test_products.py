import shutil
from pathlib import Path

import pytest
from pydantic import ValidationError

from config.loading import ConfigError
from config.products import (
    ChipProfile,
    Operation,
    Product,
    load_product,
    shipped_product,
    shipped_product_names,
)

SHIPPED = Path(__file__).parents[3] / "config" / "products"


def changed(tmp_path: Path, old: str, new: str, file: str = "second-generation.toml") -> Path:
    """Copy the shipped products, change one of their files, return the second-generation one."""
    folder = tmp_path / "products"
    shutil.copytree(SHIPPED, folder)
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    return folder / "second-generation.toml"


def messages(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_product(path)
    return [str(problem) for problem in caught.value.problems]


def test_both_generations_are_shipped_with_their_routes() -> None:
    assert shipped_product_names() == ("first-generation", "second-generation")
    second = shipped_product("second-generation")
    first = shipped_product("first-generation")
    assert [step.value for step in second.route] == ["print", "laminate", "encode", "read_back"]
    assert [step.value for step in first.route] == ["print", "laminate", "inspect"]
    assert (second.code, second.generation, second.chip_profile) == ("2", 2, ChipProfile.RID2)
    assert (first.code, first.generation, first.chip_profile) == ("1", 1, None)
    assert Operation.ENCODE not in first.route


def test_an_unknown_product_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        shipped_product("third-generation")


def test_an_own_product_file_may_use_a_shipped_layout(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    shutil.copy(SHIPPED / "second-generation.toml", own)
    assert load_product(own).layout == shipped_product("second-generation").layout


def test_the_layout_beside_the_file_comes_first(tmp_path: Path) -> None:
    path = changed(tmp_path, "#1f5f8f", "#000000", "layouts/second-generation.toml")
    assert load_product(path).layout.caption_colour == "#000000"


def test_every_mistake_of_product_and_layout_is_told_with_its_path(tmp_path: Path) -> None:
    path = changed(tmp_path, "x_mm = 28.6", "x_mm = 90.0", "layouts/second-generation.toml")
    text = path.read_text(encoding="utf-8")
    text = text.replace("dwell_ms = 6000", "dwell_ms = 70000\ncolour = 1")
    path.write_text(text.replace('code = "2"', 'code = "3"'), encoding="utf-8")
    found = messages(path)
    assert [message.split(":")[0] for message in found] == [
        "code",
        "layout.front.fields[7].x_mm",
        "lamination.dwell_ms",
        "lamination.colour",
    ]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"print", "laminate"', '"laminate", "print"', "begins with print"),
        (', "read_back"]', "]", "no card leaves unseen"),
        ('"encode", "read_back"', '"read_back", "encode", "inspect"', "read_back comes after"),
        ('"encode", "read_back"', '"encode", "encode", "inspect"', "encode comes twice"),
        ('chip_profile = "rid2"', "", "encode and chip_profile go together"),
        ('"laminate", ', "", "laminate and [lamination] go together"),
        ('layout = "second-generation"', 'layout = "none"', "there is no layout none.toml"),
        ('layout = "second-generation"', f'layout = "{"x" * 5000}"', "there is no layout"),
        ('layout = "second-generation"', 'layout = "../secret"', "there is no layout"),
    ],
)
def test_a_product_that_makes_no_sense_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert says in "\n".join(messages(changed(tmp_path, old, new)))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('value = "sex"', 'value = "name"', "['name', 'sex']"),
        ("width_mm = 52.4", "width_mm = 60.0", "over the right edge"),
        ("line_pitch_mm = 4.3", "line_pitch_mm = 9.0", "over the bottom edge"),
        ("line_pitch_mm = 4.3", "", "no line_pitch_mm"),
        ("photo = { x_mm = 55.0", "photo = { x_mm = 65.0", "photo reaches over"),
        ("photo = {", "picture = {", "layout.front.picture: there is no such setting"),
    ],
)
def test_a_layout_that_would_print_a_wrong_card_is_refused(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    path = changed(tmp_path, old, new, "layouts/second-generation.toml")
    assert says in "\n".join(messages(path))


def test_a_missing_and_a_broken_file_say_so(tmp_path: Path) -> None:
    assert "No such file" in messages(tmp_path / "none.toml")[0]
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"name = \xff")
    assert "not UTF-8 text" in messages(broken)[0]
    broken.write_bytes(b"name = ")
    assert "not a TOML file" in messages(broken)[0]


def test_a_photo_encoder_needs_a_chip() -> None:
    raw = shipped_product("first-generation").model_dump()
    with pytest.raises(ValidationError, match="photo_encoder needs a chip_profile"):
        Product.model_validate({**raw, "photo_encoder": {"command": ["encode"]}})
