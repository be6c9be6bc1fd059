from random import Random

import pytest
from PIL import Image

from config.products import PrintProfile
from controller.rendering.panels import (
    BLACK_PANEL_BYTES,
    COLOUR_PANEL_BYTES,
    dots,
    k_panel,
    packed_in_seven_bits,
    panels_of,
)

WIDTH, HEIGHT = 1012, 638


def black_at(*places: tuple[int, int]) -> Image.Image:
    face = Image.new("1", (WIDTH, HEIGHT), 1)
    for place in places:
        face.putpixel(place, 0)
    return face


def inked(panel: bytes) -> list[tuple[int, int]]:
    """Read (line, dot) of every inked dot of a one-bit panel, bit by bit."""
    return [
        (at // 81, at % 81 * 8 + bit)
        for at, byte in enumerate(panel)
        for bit in range(8)
        if byte & (0x80 >> bit)
    ]


def seven_bits(panel: bytes, line: int, dot: int) -> int:
    """Read one value of a seven-bit panel from the bits' places alone."""
    at = (line * 648 + dot) * 7
    window = int.from_bytes(panel[at // 8 : at // 8 + 2].ljust(2, b"\0"), "big")
    return window >> (9 - at % 8) & 0x7F


def test_the_sizes_are_those_of_the_document() -> None:
    assert (BLACK_PANEL_BYTES, COLOUR_PANEL_BYTES) == (82_296, 576_072)
    assert len(k_panel(black_at())) == 82_296


@pytest.mark.parametrize(
    ("place", "byte", "value"),
    [
        # Line 0 is the left edge, dot 0 the bottom, the face lies at (2, 5): line 2 + x, and
        # dot 642 - y of that line.
        ((0, 0), 2 * 81 + 80, 0x20),
        ((0, 3), 2 * 81 + 79, 0x01),
        ((1011, 637), 1013 * 81, 0x04),
        ((100, 0), 102 * 81 + 80, 0x20),
    ],
)
def test_a_dot_lies_where_the_makers_client_puts_it(
    place: tuple[int, int], byte: int, value: int
) -> None:
    panel = k_panel(black_at(place))
    assert panel[byte] == value
    assert panel.count(0) == len(panel) - 1


def test_random_dots_are_read_back_one_by_one_and_as_a_whole() -> None:
    random = Random(6)
    places = {(random.randrange(WIDTH), random.randrange(HEIGHT)) for _ in range(500)}
    face = black_at(*places)
    panel = k_panel(face)
    assert set(inked(panel)) == {(x + 2, 642 - y) for x, y in places}
    assert dots(panel).tobytes() == face.tobytes()


def test_dots_of_a_panel_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="82296"):
        dots(bytes(82_295))


def test_outline_is_one_black_panel() -> None:
    (panel,) = panels_of(black_at((5, 5)), PrintProfile.OUTLINE)
    assert (panel.letter, panel.levels, inked(panel.data)) == ("K", 2, [(7, 637)])


def test_values_are_packed_most_significant_bit_first() -> None:
    assert packed_in_seven_bits(bytes([127, 0, 0, 0, 0, 0, 0, 0])).hex() == "fe000000000000"
    assert packed_in_seven_bits(bytes([0, 127, 0, 0, 0, 0, 0, 0])).hex() == "01fc0000000000"
    assert packed_in_seven_bits(bytes([0, 0, 0, 0, 0, 0, 0, 1])).hex() == "00000000000001"


def test_packing_equals_writing_the_bits_out() -> None:
    random = Random(7)
    values = bytes(random.randrange(128) for _ in range(8 * 300))
    bits = "".join(f"{value:07b}" for value in values)
    assert packed_in_seven_bits(values) == int(bits, 2).to_bytes(len(bits) // 8, "big")


def test_colour_has_the_ribbons_panels_in_its_order() -> None:
    face = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
    found = panels_of(face, PrintProfile.COLOUR)
    assert [(panel.letter, panel.levels, len(panel.data)) for panel in found] == [
        ("Y", 128, 576_072),
        ("M", 128, 576_072),
        ("C", 128, 576_072),
        ("K", 2, 82_296),
        ("O", 2, 82_296),
    ]
    white = {panel.letter: set(panel.data) for panel in found}
    assert white == {"Y": {0}, "M": {0}, "C": {0}, "K": {0}, "O": {0xFF}}


@pytest.mark.parametrize(
    ("colour", "ink"),
    [
        ((255, 0, 0), {"Y": 127, "M": 127, "C": 0, "K": False}),
        ((0, 255, 0), {"Y": 127, "M": 0, "C": 127, "K": False}),
        ((0, 0, 255), {"Y": 0, "M": 127, "C": 127, "K": False}),
        ((12, 12, 12), {"Y": 121, "M": 121, "C": 121, "K": False}),
        ((0, 0, 0), {"Y": 0, "M": 0, "C": 0, "K": True}),
        ((0, 0, 1), {"Y": 127, "M": 127, "C": 127, "K": False}),
        ((255, 255, 255), {"Y": 0, "M": 0, "C": 0, "K": False}),
    ],
)
def test_a_coloured_dot_becomes_the_right_inks_in_the_right_place(
    colour: tuple[int, int, int], ink: dict[str, int | bool]
) -> None:
    face = Image.new("RGB", (WIDTH, HEIGHT), (255, 255, 255))
    face.putpixel((300, 77), colour)
    data = {panel.letter: panel.data for panel in panels_of(face, PrintProfile.COLOUR)}
    for letter in "YMC":
        assert seven_bits(data[letter], 302, 565) == ink[letter]
        assert seven_bits(data[letter], 302, 566) == 0
        assert seven_bits(data[letter], 303, 565) == 0
    assert inked(data["K"]) == ([(302, 565)] if ink["K"] else [])
