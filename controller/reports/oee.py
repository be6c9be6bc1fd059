"""The figures of `report oee`: where every second of every station went, and the ratios of it."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from controller.reports.reading import Basis, spans_of, station_events
from jobs.indicators import Indicators, LineIndicators, of_line, of_station
from jobs.station_time import TimeAccount, time_account


@dataclass(frozen=True, slots=True)
class Spent:
    """Time that a station spent on one cause."""

    cause: str
    reason: str
    time_us: int


@dataclass(frozen=True, slots=True)
class StationFigures:
    """One station's time and its indicators."""

    station: str
    kind: str
    line: str
    spent: tuple[Spent, ...]
    indicators: Indicators


@dataclass(frozen=True, slots=True)
class Oee:
    """A stretch of time of all stations, and whether all of it is accounted for."""

    begins_us: int
    ends_us: int
    stations: tuple[StationFigures, ...]
    lines: tuple[LineIndicators, ...]
    planned_us: Mapping[str, int]  # PRI by "kind act": the median of the stretch
    accounted_us: int
    expected_us: int

    @property
    def adds_up(self) -> bool:
        """True when the causes of every station add up to the whole stretch."""
        length_us = self.ends_us - self.begins_us
        return self.accounted_us == self.expected_us and all(
            sum(one.time_us for one in station.spent) == length_us for station in self.stations
        )


def read_time_account(basis: Basis, from_us: int, until_us: int) -> TimeAccount:
    """Account for the time of all stations in a stretch."""
    return time_account(
        station_events(basis.store, from_us, until_us),
        basis.stations,
        spans_of(basis.shifts, from_us, until_us),
        from_us,
        until_us,
    )


def oee(basis: Basis, from_us: int, until_us: int) -> Oee:
    """Work out the indicators of all stations and lines in a stretch of time."""
    return oee_of(read_time_account(basis, from_us, until_us))


def oee_of(account: TimeAccount) -> Oee:
    """Work out the indicators; the planned time of an act is its median in the stretch."""
    planned_us: Mapping[tuple[str, str], int] = defaultdict(int, account.median_us)
    stations = tuple(
        StationFigures(
            one.station,
            one.kind,
            one.line,
            tuple(
                Spent(cause.value, reason, time_us)
                for (cause, reason), time_us in sorted(one.seconds_us.items())
                if time_us
            ),
            of_station(one, planned_us),
        )
        for one in account.stations
    )
    return Oee(
        begins_us=account.begins_us,
        ends_us=account.ends_us,
        stations=stations,
        lines=tuple(of_line(account, line, planned_us) for line in account.lines),
        planned_us={f"{kind} {act}": time_us for (kind, act), time_us in account.median_us.items()},
        accounted_us=sum(one.time_us for station in stations for one in station.spent),
        expected_us=(account.ends_us - account.begins_us) * len(stations),
    )
