import tomllib
from datetime import date
from pathlib import Path

import pytest

from config.centre import shipped_centre
from config.toml_text import toml_text


@pytest.mark.parametrize("name", ["simulated", "production.example"])
def test_a_shipped_centre_s_file_comes_back_as_it_was(name: str) -> None:
    path: Path = shipped_centre(name)
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    assert tomllib.loads(toml_text(raw)) == raw


def test_every_kind_of_value_comes_back_as_it_was() -> None:
    raw = {
        "text": 'a "quoted" \\ text\twith\nlines, \x7f and 测试',
        "whole": -3,
        "real": 1e-7,
        "yes": True,
        "no": False,
        "day": date(2005, 9, 5),
        "nothing": [],
        "list": [1, 2.5, "three"],
        "tables": [{"a": {"b": [{"c": 1}]}}, {}],
        "table": {"a key with spaces": 1, "": 2, "nested": {"day": date(2005, 9, 5)}},
        "empty": {},
    }
    assert tomllib.loads(toml_text(raw)) == raw
