from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

import pytest
from PIL import Image, ImageChops, ImageFont, ImageStat

from config.products import DataField, FieldValue, Layout, PrintProfile, shipped_product
from controller.rendering.faces import (
    CannotRender,
    FaceData,
    FaceRenderer,
    face_data,
    printed_validity,
    wrapped,
)
from controller.rendering.fonts import GLYPHS_KEPT, NoGlyph, PrintFont, Script, Typeface
from jobs.application import application_of
from jobs.package_maker import PackagePlan, invented_records
from jobs.portrait import portrait

DOTS_PER_MM = 300 / 25.4

#: Attributes of FaceData to what they become.
Words: TypeAlias = dict[str, Any]


@pytest.fixture(scope="module")
def font() -> PrintFont:
    return PrintFont.shipped()


@pytest.fixture(scope="module")
def layout() -> Layout:
    return shipped_product("second-generation").layout


@pytest.fixture(scope="module")
def person() -> FaceData:
    return FaceData(
        name="测试甲子",
        sex="女",
        nation="朝鲜",
        birth_year="1985",
        birth_month="2",
        birth_day="28",
        address="示例省测试市样本县虚构街道不存在路一百二十三号",
        citizen_number="229902198502280012",
        issuer="样本县公安局",
        validity="2005.09.01-2025.09.01",
        photo=portrait(Random(1)),
    )


OTHER_WORDS: Words = {
    "name": "验证乙丑",
    "sex": "男",
    "nation": "维吾尔",
    "birth_year": "2000",
    "birth_month": "11",
    "birth_day": "9",
    "address": "另一县另一镇另一村二号",
    "citizen_number": "229902200002290011",
    "issuer": "另一县公安局",
    "validity": "2004.08.30-长期",
}


def value_only(value: FieldValue) -> Words:
    return {value.value: OTHER_WORDS[value.value]}


def changed_area(before: Image.Image, after: Image.Image) -> tuple[int, int, int, int]:
    difference = ImageChops.difference(before.convert("L"), after.convert("L")).getbbox()
    assert difference is not None, "nothing changed"
    return difference


def room_of(placed: DataField) -> tuple[float, float, float, float]:
    """The place of a field in dots: its lines, from above the first to below the last baseline."""
    height_mm = placed.size_pt * 25.4 / 72
    depth_mm = (placed.lines - 1) * placed.line_pitch_mm + 0.25 * height_mm
    return (
        placed.x_mm * DOTS_PER_MM - 1,
        (placed.baseline_mm - height_mm) * DOTS_PER_MM - 1,
        (placed.x_mm + placed.width_mm) * DOTS_PER_MM + 1,
        (placed.baseline_mm + depth_mm) * DOTS_PER_MM + 1,
    )


@pytest.mark.parametrize("product", ["first-generation", "second-generation"])
@pytest.mark.parametrize("value", list(FieldValue))
def test_each_value_is_printed_in_its_own_place_and_nowhere_else(
    font: PrintFont, person: FaceData, product: str, value: FieldValue
) -> None:
    layout = shipped_product(product).layout
    renderer = FaceRenderer(layout, font)
    first = renderer.render(person)
    second = renderer.render(replace(person, **value_only(value)))
    on_front = [placed for placed in layout.front.fields if placed.value is value]
    on_back = [placed for placed in layout.back.fields if placed.value is value]
    (placed,) = on_front + on_back
    drawn, same = ("front", "back") if on_front else ("back", "front")
    assert getattr(first, same).tobytes() == getattr(second, same).tobytes()
    left, top, right, bottom = changed_area(getattr(first, drawn), getattr(second, drawn))
    room = room_of(placed)
    assert room[0] <= left
    assert room[1] <= top
    assert right <= room[2]
    assert bottom <= room[3]


def test_faces_have_the_printers_size_and_the_front_is_the_personal_side(
    font: PrintFont, layout: Layout, person: FaceData
) -> None:
    faces = FaceRenderer(layout, font).render(person)
    assert (faces.front.size, faces.back.size) == ((1012, 638), (1012, 638))
    assert (faces.front.mode, faces.back.mode) == ("1", "1")
    other = FaceRenderer(layout, font).render(replace(person, photo=portrait(Random(2))))
    left, top, right, bottom = changed_area(faces.front, other.front)
    assert 55.0 * DOTS_PER_MM - 1 <= left < right <= 81.0 * DOTS_PER_MM + 1
    assert 7.0 * DOTS_PER_MM - 1 <= top < bottom <= 39.0 * DOTS_PER_MM + 1
    assert faces.back.tobytes() == other.back.tobytes()


def test_a_renderer_draws_the_same_again_and_after_others(
    font: PrintFont, layout: Layout, person: FaceData
) -> None:
    renderer = FaceRenderer(layout, font)
    first = renderer.render(person).front.tobytes()
    renderer.render(replace(person, name="别人", address="别处"))
    assert renderer.render(person).front.tobytes() == first
    assert FaceRenderer(layout, PrintFont.shipped()).render(person).front.tobytes() == first


@pytest.mark.parametrize(
    "words",
    [
        {"name": "测" * 15},
        {"address": "址" * 35},
        {"issuer": "局" * 15},
        {"nation": "外国血统中国籍人士"},
        {"validity": "2005.09.01-2025.09.01"},
    ],
)
@pytest.mark.parametrize("product", ["first-generation", "second-generation"])
def test_the_longest_values_of_the_records_fit_their_places(
    font: PrintFont, person: FaceData, product: str, words: Words
) -> None:
    layout = shipped_product(product).layout
    renderer = FaceRenderer(layout, font)
    emptied: Words = dict.fromkeys(words, "")
    blank = replace(person, **emptied)
    before, after = renderer.render(blank), renderer.render(replace(person, **words))
    (value,) = words
    (placed,) = (f for f in (*layout.front.fields, *layout.back.fields) if f.value.value == value)
    pairs = ((before.front, after.front), (before.back, after.back))
    (area,) = (changed_area(a, b) for a, b in pairs if a.tobytes() != b.tobytes())
    room = room_of(placed)
    assert room[0] <= area[0] < area[2] <= room[2]
    assert room[1] <= area[1] < area[3] <= room[3]


def test_an_address_breaks_after_eleven_characters() -> None:
    assert wrapped("一二三四五六七八九十甲乙丙", 11) == ["一二三四五六七八九十甲", "乙丙"]
    assert wrapped("", 11) == []


@pytest.mark.parametrize(
    ("words", "value", "reason"),
    [
        ({"address": "址" * 45}, "address", "does not fit into 4 lines"),
        ({"name": "测" * 40}, "name", "is too wide for its place"),
        ({"name": "测\ue000"}, "name", "the print font has no glyph for U+E000"),
        ({"issuer": "\U000f0000"}, "issuer", "the print font has no glyph for U+F0000"),
    ],
)
def test_what_cannot_be_printed_is_refused_and_never_shown(
    font: PrintFont,
    layout: Layout,
    person: FaceData,
    words: Words,
    value: str,
    reason: str,
) -> None:
    with pytest.raises(CannotRender) as caught:
        FaceRenderer(layout, font).render(replace(person, **words))
    assert (caught.value.value, caught.value.reason) == (value, reason)
    assert caught.value.code == "rendering.cannot_render"
    assert words[value] not in str(caught.value)


@pytest.mark.parametrize("kind", ["garbage", "cut off", "not JPEG", "empty"])
def test_a_portrait_that_cannot_be_decoded_is_refused(
    font: PrintFont, layout: Layout, person: FaceData, kind: str
) -> None:
    png = BytesIO()
    Image.new("RGB", (358, 441)).save(png, "PNG")
    photos = {
        "garbage": b"\xff\xd8" + bytes(100),
        "cut off": person.photo[:3000],
        "not JPEG": png.getvalue(),
        "empty": b"",
    }
    with pytest.raises(CannotRender) as caught:
        FaceRenderer(layout, font).render(replace(person, photo=photos[kind]))
    assert caught.value.value == "photo"


@pytest.mark.parametrize("grey", [0, 60, 120, 180, 255])
def test_the_dithered_portrait_is_as_dark_as_the_brightened_photo(
    font: PrintFont, layout: Layout, person: FaceData, grey: int
) -> None:
    jpeg = BytesIO()
    Image.new("RGB", (358, 441), (grey, grey, grey)).save(jpeg, "JPEG", quality=95)
    front = FaceRenderer(layout, font).render(replace(person, photo=jpeg.getvalue())).front
    portrait_area = front.crop((660, 90, 950, 450)).convert("L")
    assert ImageStat.Stat(portrait_area).mean[0] == pytest.approx(min(255, grey * 1.08), abs=3)


def test_in_colour_data_is_pure_black_and_the_portrait_never(
    font: PrintFont, layout: Layout, person: FaceData
) -> None:
    jpeg = BytesIO()
    Image.new("RGB", (358, 441)).save(jpeg, "JPEG")
    renderer = FaceRenderer(layout, font, PrintProfile.COLOUR)
    front = renderer.render(replace(person, photo=jpeg.getvalue())).front
    assert front.mode == "RGB"
    assert front.getpixel((800, 250)) == (12, 12, 12)
    in_the_name = front.crop((170, 60, 400, 120)).getcolors()
    assert in_the_name is not None
    assert {colour for _count, colour in in_the_name} == {(0, 0, 0), (255, 255, 255)}
    in_a_caption = front.crop((60, 60, 140, 120)).getcolors()
    assert in_a_caption is not None
    assert {colour for _count, colour in in_a_caption} == {(0x1F, 0x5F, 0x8F), (255, 255, 255)}


def test_a_persons_data_is_in_no_repr(person: FaceData) -> None:
    assert repr(person) == "FaceData()"


def test_validity_as_printed() -> None:
    assert printed_validity(date(2005, 9, 1), date(2015, 9, 1)) == "2005.09.01-2015.09.01"
    assert printed_validity(date(2005, 9, 1), None) == "2005.09.01-长期"


def test_an_application_in_the_words_of_the_card() -> None:
    plan = PackagePlan(day=date(2005, 9, 1), counties=("229901",), count=1)
    (record,) = invented_records(Random(3), plan)
    application = application_of(record)
    told = replace(application, birth_date=date(1985, 2, 8), sex_code="2", nation_code="05")
    words = face_data(replace(told, valid_from=date(2005, 9, 1), valid_until=None))
    assert (words.sex, words.nation, words.validity) == ("女", "维吾尔", "2005.09.01-长期")
    assert (words.birth_year, words.birth_month, words.birth_day) == ("1985", "2", "8")
    assert (words.name, words.address, words.issuer, words.photo) == (
        application.name,
        application.address,
        application.issuer,
        application.photo,
    )
    with pytest.raises(CannotRender, match="nation: the code is not known"):
        face_data(replace(application, nation_code="77"))
    with pytest.raises(CannotRender, match="sex: the code is not known"):
        face_data(replace(application, sex_code="5"))


@pytest.mark.parametrize("character", ["张", "〇", "䶮", "A", " ", "·"])
def test_the_font_can_draw(font: PrintFont, character: str) -> None:
    assert font.has_glyph(character)


@pytest.mark.parametrize("character", ["\ue000", "\U00020bb7", "\U0010ffff", "\n"])
def test_the_font_cannot_draw(font: PrintFont, character: str) -> None:
    assert not font.has_glyph(character)


def test_what_the_font_cannot_draw_is_what_pillow_draws_as_the_missing_glyph(
    font: PrintFont,
) -> None:
    drawn = ImageFont.truetype(font.path, 40)
    missing = bytes(drawn.getmask("\U0010ffff"))
    sample = Random(5).sample(range(0x3400, 0x9FFF), 300)
    for character in map(chr, sample):
        assert font.has_glyph(character) is (bytes(drawn.getmask(character)) != missing)


def test_the_korean_font_draws_hangul_and_the_chinese_one_does_not(font: PrintFont) -> None:
    assert PrintFont.shipped(Script.KOREAN).has_glyph("한")
    assert not font.has_glyph("한")


def test_a_heavier_weight_prints_more_dots(font: PrintFont) -> None:
    inked = []
    for weight in (100, 400, 700):
        mask = font.glyph(Typeface(44, weight), "8").mask
        assert mask is not None
        inked.append(mask.histogram()[255])
    assert inked == sorted(set(inked))
    assert inked[2] > 1.8 * inked[0]


def test_a_space_moves_the_pen_and_prints_nothing(font: PrintFont) -> None:
    glyph = font.glyph(Typeface(38, 500), " ")
    assert glyph.mask is None
    assert glyph.advance_px > 0


def test_the_glyphs_kept_are_bounded_and_drawn_again_alike(font: PrintFont) -> None:
    face = Typeface(6, 500)
    before = font.glyph(face, "一").mask
    for code_point in range(0x4E00, 0x4E00 + GLYPHS_KEPT):
        if font.has_glyph(chr(code_point)):
            font.glyph(face, chr(code_point))
            assert font.glyphs_kept <= GLYPHS_KEPT
    after = font.glyph(face, "一").mask
    assert before is not None
    assert after is not None
    assert before.tobytes() == after.tobytes()


def test_a_missing_glyph_names_its_code_point_only(font: PrintFont) -> None:
    with pytest.raises(NoGlyph) as caught:
        font.glyph(Typeface(38, 500), "\ue001")
    assert caught.value.code_point == "U+E001"


def test_a_file_without_a_character_map_of_the_right_kind_is_no_print_font(tmp_path: Path) -> None:
    header = bytes.fromhex("00010000 0001 0000 0000 0000")
    table = b"cmap" + bytes(4) + (28).to_bytes(4, "big") + (28).to_bytes(4, "big")
    cmap = bytes.fromhex("0000 0001 0003 0001 0000000c")  # one subtable
    path = tmp_path / "old.ttf"
    path.write_bytes(
        header + table + cmap + bytes.fromhex("0004 0000 0000 0000 0000 0000 00000000")
    )
    with pytest.raises(ValueError, match="format 12"):
        PrintFont(path)
