"""A simulated run's account as lines for a person; no colours, no boxes, the same in a pipe."""

from controller.simulation_report import Report, equation


def simulation_lines(found: Report) -> list[str]:
    """Return the account of a simulated run."""
    rows = [
        ("orders", f"{found.orders}"),
        ("refused applications", f"{found.refused}"),
        ("good cards", f"{found.good}"),
        ("spoiled cards", f"{found.spoiled}"),
        *((f"  {reason}", f"{count}") for reason, count in found.spoiled_by_reason.items()),
        ("remade orders", f"{found.remade}"),
        ("held orders", f"{found.held}"),
        ("cancelled orders", f"{found.cancelled}"),
        ("makespan", f"{found.makespan_s:.1f} s of machine time"),
        ("  of it, the last remake's extra pass", f"{found.last_remake_extra_s:.1f} s"),
        ("lower bound", f"{found.lower_bound_s:.1f} s ({found.bottleneck})"),
        ("  own stops of its stations in it", f"{found.stops_s:.1f} s"),
        ("  not in it: suspended, transport stopped", f"{found.suspended_s:.1f} s"),
        *((f"  {stage}", f"{s:.1f} s") for stage, s in found.stage_bounds_s.items()),
        ("intake", f"{found.intake_wall_s:.2f} s of this computer's time"),
        ("production", f"{found.production_wall_s:.2f} s of this computer's time"),
        ("events in the ledger", f"{found.events}"),
        *((f"time in {part}", f"{share:.1f} %") for part, share in found.profile_percent.items()),
    ]
    with_suspension = found.gap_to_bound_with_suspension_percent
    width = max(len(name) for name, _ in rows)
    return [
        *(f"{name:<{width}}  {value}" for name, value in rows),
        f"simulate.gap_to_bound_percent = {found.gap_to_bound_percent:.4f}",
        f"simulate.gap_to_bound_with_suspension_percent = {with_suspension:.4f}",
        f"simulate.cards_per_s = {found.cards_per_s:.2f}",
        f"ledger_digest = {found.ledger_digest}",
        equation(found.blanks),
    ]
