"""Every way in which a machine can fail is decided on, once."""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import drivers
from controller import failures
from drivers.errors import DriverError


def concrete_errors() -> list[type[DriverError]]:
    for module in iter_modules(drivers.__path__, "drivers."):
        import_module(module.name)
    found: list[type[DriverError]] = []
    waiting = DriverError.__subclasses__()
    while waiting:
        kind = waiting.pop()
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


def names_in_the_table() -> list[str]:
    """Return the keys as they are written: in a dictionary a key that came twice would be one."""
    tree = ast.parse(Path(inspect.getfile(failures)).read_text(encoding="utf-8"))
    tables = [
        node.value
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "FAILURES"
    ]
    assert len(tables) == 1
    assert isinstance(tables[0], ast.Dict)
    return [ast.unparse(key) for key in tables[0].keys if key is not None]


def test_every_error_of_a_driver_is_in_the_table_once() -> None:
    assert sorted(names_in_the_table()) == sorted(kind.__name__ for kind in concrete_errors())


def test_every_error_has_a_code_of_its_own_and_says_what_it_means() -> None:
    codes = [kind.code for kind in concrete_errors()]
    assert len(set(codes)) == len(codes) >= 19
    for kind in concrete_errors():
        assert "code" in vars(kind), kind
        assert "." in kind.code, kind
        assert kind.__doc__, kind
        assert str(kind()) == kind.__doc__.strip()
