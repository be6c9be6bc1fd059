"""A technician's work at a machine: from its begin to its end the station takes no card.

The station is stopped meanwhile, and nothing but the end of the work lets it be started, by a
person. The centre hangs up, so that the technician's own tools find the port free; whoever answers
there afterwards says who it is. Who did it and when is the ledger's business; what the machine did
before is settled from evidence when it is started, as after any stop.
"""

from controller.line import Line
from controller.startup import OPERATOR
from controller.stations import Station
from jobs.events import Draft, Kind
from jobs.states import StationState, StationTrigger
from jobs.station_causes import MAINTENANCE


async def begin(station: Station, reason: str, actor: str) -> None:
    """Stop a station, whatever it is in, for a technician."""
    await station.change(
        *_way_to_a_stop(station.state),
        reason=reason or "a technician is at work",
        code=MAINTENANCE,
        actor=actor,
    )


async def hang_up(line: Line, station: Station) -> None:
    """Free the station's port once its last act is over, unless it was taken back before."""
    works = line.ledger.books.works

    def free() -> bool:
        return not any(work.station == station.name for work in works.values())

    await line.places.until(lambda: free() or not station.under_maintenance)
    if station.under_maintenance and not station.cleaning:
        await station.port.drop()


async def end(line: Line, station: Station, reason: str, samples: int, actor: str) -> None:
    """Take a station back; it stays stopped. The samples are counted in the same moment."""
    taken = {"line": line.name, "samples": samples}
    await station.change(
        reason=f"maintenance ended: {reason}" if reason else "maintenance ended",
        code=OPERATOR,
        actor=actor,
        beside=[Draft(Kind.STOCK_CHANGED, actor, taken, station=station.name)] if samples else [],
    )


def _way_to_a_stop(state: StationState) -> tuple[StationTrigger, ...]:
    if state is StationState.STOPPED:
        return ()
    if state is StationState.ABORTED:
        return StationTrigger.CLEAR, StationTrigger.STATE_COMPLETE
    return StationTrigger.STOP, StationTrigger.STATE_COMPLETE
