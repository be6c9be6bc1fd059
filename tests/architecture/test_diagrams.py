"""The drawings and the table of failures in ARCHITECTURE.md are those of the code."""

from tests.architecture.drawings import DRAWINGS, PAGE, drawn

REPEAT = "draw them anew: python tests/architecture/drawings.py"


def test_the_drawings_are_those_of_the_tables() -> None:
    page = PAGE.read_text(encoding="utf-8")
    fresh, names = drawn(page)
    assert sorted(names) == sorted(DRAWINGS)
    assert page == fresh, REPEAT


def test_a_drawing_that_is_old_is_noticed() -> None:
    page = PAGE.read_text(encoding="utf-8")
    old = page.replace("queued --> in_production: begin", "queued --> in_production: commence")
    assert old != page
    assert drawn(old)[0] == page
