"""Reports say the same in both languages, and have a word for whatever the program can say."""

import re
from pathlib import Path
from string import Formatter

import pytest

from config.centre import StationKind
from controller.reason_labels import REASON_LABELS
from controller.reports.document import NOTHING, count, hours, percent, signed, signed_tenths, yuan
from controller.reports.shift import STAGES
from controller.reports.vocabulary import VOCABULARY
from controller.reports.words import SENTENCES, Words
from jobs import reasons, station_causes
from jobs.events import Kind
from jobs.load import Load
from jobs.standing import AGAIN
from jobs.station_causes import Cause
from jobs.station_time import OVERTIME
from jobs.timed_stations import PRODUCT_ACT, TRANSPORT

PAGES = Path(__file__).parents[3] / "controller" / "reports" / "pages"
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize("key", SENTENCES)
def test_a_sentence_takes_the_same_values_in_both_languages(key: str) -> None:
    english, chinese = SENTENCES[key]
    assert english
    assert chinese
    assert fields(english) == fields(chinese) or key in {"method", "quotas are assumed"}
    assert not CHINESE.search(english)
    assert CHINESE.search(chinese) or key == "band of"


def fields(text: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_every_sentence_is_said_somewhere_and_every_one_said_is_known() -> None:
    said = set()
    for file in PAGES.glob("*.py"):
        said |= set(re.findall(r"""\bw\(\s*["']([^"']+)["']""", file.read_text(encoding="utf-8")))
    assert said == set(SENTENCES)


def test_every_word_of_the_program_has_a_name_in_both_languages() -> None:
    words = {
        "cause": {cause.value for cause in Cause},
        "reason": {*REASON_LABELS, OVERTIME, station_causes.RESTART, station_causes.SUSPENDED,
                   station_causes.LINE, station_causes.OPERATOR, station_causes.MAINTENANCE},
        "refusal": {value for name, value in vars(reasons).items()
                    if name.isupper() and isinstance(value, str)},
        "kind": {*(kind.value for kind in StationKind), TRANSPORT},
        "act": set(PRODUCT_ACT.values()),
        "stage": {stage.value for stage in STAGES},
        "load": {*(load.value for load in Load if load is not Load.PERSON), AGAIN},
        "product": {"1", "2"},
        "event": {kind.value for kind in Kind},
    }  # fmt: skip
    for vocabulary, needed in words.items():
        assert needed <= set(VOCABULARY[vocabulary]), vocabulary
    for names in VOCABULARY.values():
        for english, chinese in names.values():
            assert english
            assert CHINESE.search(chinese)


def test_a_word_that_nobody_knows_stays_as_it_is() -> None:
    assert Words("zh").label("shift", "early") == "early"


def test_numbers_read_as_numbers() -> None:
    assert (signed_tenths(-0.04), signed_tenths(-1.25)) == ("0.0", "−1.2")
    assert (count(1234.4), signed(-1234.6), signed(0.2), percent(0.1234)) == (
        "1,234", "−1,235", "0", "12.3 %",
    )  # fmt: skip
    assert (yuan(123405), hours(3_661_499_999), count(None)) == ("1,234.05", "1:01:01", NOTHING)
