"""The broker's part of a centre's file: off when it is not there, wrong values told with places."""

from pathlib import Path

import pytest

from config.centre import Centre, load_centre, shipped_centre
from config.loading import ConfigError

SIMULATED = shipped_centre("simulated").read_text(encoding="utf-8")


def centre(folder: Path, mqtt: str) -> Centre:
    path = folder / "centre.toml"
    path.write_text(f"{SIMULATED}\n{mqtt}", encoding="utf-8")
    return load_centre(path)


def test_without_a_table_there_is_no_mqtt(tmp_path: Path) -> None:
    assert centre(tmp_path, "").mqtt is None


def test_paths_count_from_the_folder_of_the_file(tmp_path: Path) -> None:
    mqtt = centre(
        tmp_path,
        '[mqtt]\nhost = "broker"\nuser = "centre"\npassword_file = "keys/mqtt"\n'
        'tls = { ca_file = "ca.pem", certificate_file = "/etc/we.pem", key_file = "we.key" }\n',
    ).mqtt
    assert mqtt is not None
    assert mqtt.tls is not None
    assert mqtt.password_file == tmp_path / "keys" / "mqtt"
    assert mqtt.tls.ca_file == tmp_path / "ca.pem"
    assert mqtt.tls.certificate_file == Path("/etc/we.pem")
    assert mqtt.tls.key_file == tmp_path / "we.key"


def test_a_broker_without_tls_and_password_has_no_paths(tmp_path: Path) -> None:
    mqtt = centre(tmp_path, '[mqtt]\nhost = "127.0.0.1"\n').mqtt
    assert mqtt is not None
    assert (mqtt.tls, mqtt.password_file, mqtt.port) == (None, None, 1883)


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ('password = "secret"', "mqtt.password: there is no such setting"),
        ('password_file = "p"', "mqtt: password_file needs a user"),
        ('group_id = "a/b"', "mqtt.group_id: "),
        ('event_topic = "events/#"', "mqtt.event_topic: "),
        ('event_topic = "/events"', "mqtt.event_topic: "),
        ('client_id_prefix = ""', "mqtt.client_id_prefix: "),
        ('tls = { ca_file = "a", key_file = "k" }', "mqtt.tls: certificate_file and key_file go"),
        ("events_under_way_max = 0", "mqtt.events_under_way_max: "),
    ],
)
def test_what_cannot_be_is_told_with_its_place(tmp_path: Path, wrong: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        centre(tmp_path, f'[mqtt]\nhost = "broker"\n{wrong}\n')
    (problem,) = map(str, refused.value.problems)
    assert problem.startswith(told)
