"""Events as plain JSON: ids, codes and counts go out; keys, names and texts stay."""

import json
from typing import Any

import pytest

from controller.mqtt.plain import DATA, event_message, plain
from jobs.events import Draft, Event, Kind

ROOT = "cardcentre/test/events"
#: 2005-09-10, 08:00 in China.
TIME_US = 1_126_310_400_000_001


def event(kind: Kind, data: dict[str, Any], **names: str) -> Event:
    return Event(12, TIME_US, 1, Draft(kind, "user:wang", data, **names), "p", "d")


def test_an_event_is_one_json_object_below_the_topic_of_its_kind() -> None:
    done = event(
        Kind.WORK_FINISHED,
        {"outcome": "done", "told_by": "machine", "trigger": "print", "place": "printer-1 outfeed"},
        order="O-1", card="C-1", work="W-1", station="printer-1",
    )  # fmt: skip
    message = event_message(ROOT, done)
    assert (message.topic, message.quality) == (f"{ROOT}/work_finished", 1)
    assert not message.retained
    assert json.loads(message.content) == {
        "sequence": 12,
        "generation": 1,
        "time": "2005-09-10T00:00:00.000001Z",
        "kind": "work_finished",
        "order": "O-1",
        "card": "C-1",
        "work": "W-1",
        "station": "printer-1",
        "data": {
            "outcome": "done",
            "told_by": "machine",
            "trigger": "print",
            "place": "printer-1 outfeed",
        },
    }


def test_who_it_was_and_whose_it_is_stay_in_the_ledger() -> None:
    """Every field of an event that names a person or a chip, and texts that people wrote."""
    secret = "sekret"  # noqa: S105  (the word that is looked for)
    told = event_message(
        ROOT,
        Event(
            12, TIME_US, 1,
            Draft(
                Kind.ORDER_CREATED,
                f"user:{secret}",
                {
                    "hold": f"xm holds {secret}",
                    "reason": f"ask {secret}",
                    "package_number": secret,
                    "reason_code": secret,
                    "note": {"chip_serial": secret},
                    "card_serial": secret,
                    "fee_type": secret,
                    "unheard_of": secret,
                    "reasons": [{"code": "21", "field": "gmsfhm", "text": secret}],
                },
                person_key=secret,
                approval_key=secret,
                chip_serial=secret,
            ),
            secret, secret,
        ),
    )  # fmt: skip
    assert secret not in told.content.decode()
    data = json.loads(told.content)["data"]
    assert data["reasons"] == [{"code": "21", "field": "gmsfhm"}]
    assert (data["hold"], data["reason"]) == (True, "other")


@pytest.mark.parametrize(
    "value", ["张三", "220104198001011234", "A" * 61, "22010419800101123X9", "a\nb", 7, None, {}]
)
def test_a_value_that_does_not_look_like_a_code_is_left_out(value: object) -> None:
    told = plain(event(Kind.STATION_CHANGED, {"code": value, "state": "Held"}))
    assert told["data"] == {"state": "Held"}


@pytest.mark.parametrize("value", [10**10, "5", 1.5, True, None])
def test_a_value_that_does_not_look_like_a_count_is_left_out(value: object) -> None:
    assert plain(event(Kind.STOCK_CHANGED, {"loaded": value}))["data"] == {}


@pytest.mark.parametrize("value", ["C-1", 7, None, [7, "张三"], [[]]])
def test_a_list_of_something_else_is_no_list_of_cards_or_refusals(value: object) -> None:
    told = plain(event(Kind.BOX_DISPATCHED, {"cards": value, "reasons": value}))
    assert told["data"].get("cards", []) == []
    assert told["data"].get("reasons", []) == []


def test_a_shift_is_told_with_its_hours() -> None:
    data = {"name": "early", "day": "2005-09-05", "begins_us": TIME_US, "ends_us": TIME_US + 1}
    assert plain(event(Kind.SHIFT_BEGUN, data))["data"] == data
    assert plain(event(Kind.SHIFT_BEGUN, {"begins_us": 10**17, "ends_us": "x"}))["data"] == {}


def test_an_id_that_looks_like_a_person_is_left_out() -> None:
    assert "order" not in plain(event(Kind.ORDER_CHANGED, {}, order="220104198001011234"))


def test_what_goes_out_is_a_closed_list() -> None:
    assert not {"note", "package_number", "card_serial", "chip_serial", "actor"} & set(DATA)
