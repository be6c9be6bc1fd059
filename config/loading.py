"""Reading a TOML file into a model, with every mistake of the file told at once.

It opens nothing but files and knows no particular model.
"""

import json
import tomllib
from codecs import BOM_UTF8
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)

FILE_BYTES_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: where in the file (a dotted path) and what is wrong."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class Mistakes(ValueError):
    """What a model's check of the whole found: several mistakes, each with its place."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("; ".join(str(problem) for problem in problems))


class ConfigError(Exception):
    """A configuration file cannot be used; nothing was started."""

    code = "config.invalid"

    def __init__(self, file: Path, problems: tuple[Problem, ...]) -> None:
        self.file = file
        self.problems = problems
        count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
        lines = "".join(f"\n  {problem}" for problem in problems)
        super().__init__(f"{file}: {count}, nothing was started{lines}")


def _dotted(location: tuple[int | str, ...]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _message(text: str) -> str:
    return text.removeprefix("Value error, ").replace(
        "Extra inputs are not permitted", "there is no such setting"
    )


def _each(place: tuple[int | str, ...], text: str, cause: Any) -> tuple[Problem, ...]:
    if isinstance(cause, Mistakes):
        return cause.problems
    return (Problem(_dotted(place), _message(text)),)


def problems_of(error: ValidationError) -> tuple[Problem, ...]:
    """Return pydantic's findings as problems.

    A list that lost its only member to a mistake is not called too short besides.
    """
    found = error.errors(include_url=False, include_input=False)
    places = [one["loc"] for one in found]
    return tuple(
        problem
        for one in found
        for problem in _each(one["loc"], one["msg"], one.get("ctx", {}).get("error"))
        if one["type"] != "too_short"
        or not any(
            len(place) > len(one["loc"]) and place[: len(one["loc"])] == one["loc"]
            for place in places
        )
    )


def read_toml(path: Path) -> dict[str, Any]:
    """Read a file as it is; raises `ConfigError` if it is missing or is no TOML."""
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise ConfigError(path, (Problem("", "is not a file"),))
        with path.open("rb") as file:
            content = file.read(FILE_BYTES_MAX + 1)
        if len(content) > FILE_BYTES_MAX:
            raise ConfigError(path, (Problem("", f"is larger than {FILE_BYTES_MAX} bytes"),))
        if content.startswith(BOM_UTF8):
            text = "begins with a byte order mark: save it as UTF-8 without one"
            raise ConfigError(path, (Problem("", text),))
        return tomllib.loads(content.decode())
    except OSError as error:
        raise ConfigError(path, (Problem("", error.strerror or str(error)),)) from error
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        text = f"is not UTF-8 text (line {line}): save it as UTF-8"
        raise ConfigError(path, (Problem("", text),)) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(path, (Problem("", f"not a TOML file: {error}"),)) from error


def checked(path: Path, raw: dict[str, Any], model: type[Model]) -> Model:
    """Turn what was read from `path` into a model; raises `ConfigError` with every mistake.

    A value must be of the kind that is asked for. As JSON, names of choices, paths and dates may
    be texts and lists may be tuples, and nothing else is turned into something else.
    """
    try:
        return model.model_validate_json(json.dumps(raw, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(path, problems_of(error)) from error


def load_toml(path: Path, model: type[Model]) -> Model:
    """Read a file into a model; raises `ConfigError` with every mistake."""
    return checked(path, read_toml(path), model)
