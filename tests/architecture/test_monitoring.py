"""Rules, dashboard and documentation name metrics that there are, and every one of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from jobs.states import StationState

ROOT = Path(__file__).parents[2]
MONITORING = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
RULES = ROOT / "config" / "prometheus"
DASHBOARD = json.loads((ROOT / "config" / "grafana" / "cardcentre.json").read_text("utf-8"))
#: What makes a metric's name of a family's: its kind of sample.
SAMPLE = re.compile(r"_(bucket|sum|count)$")


def documented() -> set[str]:
    return set(re.findall(r"^\| `((?:cardcentre|process)_\w+)` \|", MONITORING, re.MULTILINE))


def told_in_code() -> set[str]:
    """Return every metric's name as it is written where it is made."""
    made = set()
    for path in (ROOT / "controller").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for kind, name in re.findall(r'\b(counter|gauge|histogram)\(\s*"(\w+)"', text):
            made.add(f"cardcentre_{name}{'_total' if kind == 'counter' else ''}")
        made |= set(re.findall(r'"(cardcentre_\w+|process_\w+)"', text))
        if path.name == "target_families.py":
            standing = text.partition("def _of_standing")[2].partition("\ndef ")[0]
            made |= {f"cardcentre_{name}" for name in re.findall(r'"(\w+)", "', standing)}
    return made - {"cardcentre_"}


def queried() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for path in RULES.glob("*.yml"):
        yield path.read_text(encoding="utf-8")


def test_every_metric_is_documented_and_no_other() -> None:
    assert documented() == told_in_code()
    assert len(documented()) > 40


def test_rules_and_panels_ask_for_metrics_that_there_are() -> None:
    asked = {
        SAMPLE.sub("", name)
        for query in queried()
        for name in re.findall(r"\b(?:cardcentre|process)_\w+", query)
    }
    assert asked <= documented(), asked - documented()
    # And every one but a few is shown or watched: a metric that nobody looks at is not kept.
    unseen = documented() - asked
    assert unseen <= {
        "cardcentre_ledger_events_total", "cardcentre_remakes_total",
        "process_resident_memory_bytes",
    }  # fmt: skip


def test_recorded_figures_that_are_asked_for_are_recorded() -> None:
    recorded = set(re.findall(r"record: (\S+)", (RULES / "recording.yml").read_text("utf-8")))
    asked = {name for query in queried() for name in re.findall(r"cardcentre:[\w:]+", query)}
    assert asked == recorded


def test_every_alert_is_documented() -> None:
    alerts = re.findall(r"- alert: (\w+)", (RULES / "alerts.yml").read_text("utf-8"))
    assert re.findall(r"^\| `([A-Z]\w+)` \|", MONITORING, re.MULTILINE) == alerts


def test_the_panel_of_stations_shows_every_state_once() -> None:
    (panel,) = (one for one in DASHBOARD["panels"] if one["type"] == "state-timeline")
    (target,) = panel["targets"]
    shown = [
        state
        for states in re.findall(r'state=~?"([^"]+)"', target["expr"])
        for state in states.split("|")
    ]
    assert sorted(shown) == sorted(StationState)
