import pytest

from jobs.bound import Stage, lower_bound


def test_work_is_shared_by_the_stations_and_the_ways_are_added() -> None:
    # 4 cards of 10 s on 2 printers are 20 s; 3 s of way to the printer, 5 s from it to the box.
    bound = lower_bound([Stage("print", 2, (10, 10, 10, 10), way_in_s=3, way_out_s=5)])
    assert bound.seconds == 28


def test_stops_are_work_that_nobody_did() -> None:
    # (4 x 10 + 6) / 2 = 23.
    assert lower_bound([Stage("print", 2, (10, 10, 10, 10), stops_s=(6,))]).seconds == 23


def test_a_suspension_is_told_and_is_not_in_the_bound() -> None:
    stage = Stage("print", 2, (10, 10, 10, 10), stops_s=(4, 2), suspensions_s=(3, 1), way_in_s=1)
    bound = lower_bound([stage, Stage("encode", 1, (22,), suspensions_s=(9,))])
    # Print: 1 + (40 + 6) / 2 = 24, and 26 with its suspensions. Encode, with its own, would be
    # slower than that, but it is not what the run is judged by.
    slowest = bound.bottleneck
    assert (slowest.name, slowest.seconds, bound.seconds) == ("print", 24, 24)
    assert (slowest.stops_s, slowest.suspended_s) == (6, 4)
    assert bound.gap_percent(27.0) == pytest.approx(12.5)
    assert bound.gap_with_suspension_percent(27.3) == pytest.approx(5.0)


def test_the_slowest_stage_is_the_bound() -> None:
    # print: 60 / 2 + 1 + 9 = 40; laminate: 40 / 1 + 4 + 6 = 50;
    # encode: 24 / 4 is less than one service, so 8 + 20 + 2 = 30.
    bound = lower_bound(
        [
            Stage("print", 2, (20, 20, 20), way_in_s=1, way_out_s=9),
            Stage("laminate", 1, (15, 15, 10), way_in_s=4, way_out_s=6),
            Stage("encode", 4, (8, 8, 8), way_in_s=20, way_out_s=2),
        ]
    )
    assert [(stage.name, stage.seconds) for stage in bound.stages] == [
        ("print", 40),
        ("laminate", 50),
        ("encode", 30),
    ]
    assert (bound.bottleneck.name, bound.seconds) == ("laminate", 50)


def test_of_equal_stages_the_first_is_the_bottleneck() -> None:
    bound = lower_bound([Stage("print", 1, (7,)), Stage("laminate", 1, (7,))])
    assert bound.bottleneck.name == "print"


def test_a_single_long_service_is_not_shared() -> None:
    # 30 + 1 + 1 shared by 4 would be 8, but one card alone takes 30.
    assert lower_bound([Stage("encode", 4, (30, 1, 1))]).seconds == 30


def test_a_stage_that_no_card_needed_asks_for_nothing() -> None:
    bound = lower_bound(
        [Stage("print", 1, (5,)), Stage("inspect", 1, (), stops_s=(100,), way_in_s=50)]
    )
    assert [stage.seconds for stage in bound.stages] == [5, 0]


def test_the_sum_does_not_depend_on_the_order_of_cards() -> None:
    services = (1e16, 1.0, 1.0, 3.3, 0.1)
    assert (
        lower_bound([Stage("print", 1, services)]).seconds
        == lower_bound([Stage("print", 1, tuple(reversed(services)))]).seconds
    )


def test_the_gap_is_in_percent_of_the_bound() -> None:
    bound = lower_bound([Stage("print", 1, (200.0,))])
    assert bound.gap_percent(201.0) == pytest.approx(0.5)
    assert bound.gap_percent(200.0) == 0
    assert bound.gap_percent(199.0) < 0  # would be a mistake of the bound, and must show


@pytest.mark.parametrize(
    "wrong",
    [
        {"stations": 0},
        {"services_s": (-1.0,)},
        {"stops_s": (-0.1,)},
        {"suspensions_s": (-0.1,)},
        {"way_in_s": -1.0},
        {"way_out_s": -1.0},
    ],
)
def test_impossible_figures_are_our_own_mistake(wrong: dict[str, float]) -> None:
    right = {"name": "print", "stations": 1, "services_s": (1.0,)}
    with pytest.raises(AssertionError, match="print"):
        Stage(**{**right, **wrong})  # type: ignore[arg-type]  # one of them is wrong on purpose


def test_no_stage_at_all_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        lower_bound([])
