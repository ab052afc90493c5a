import json

import pytest

from leadline.sbom.identity.config import read_config
from leadline.sbom.layers.stream import Damaged


def places(**fields: object) -> list[tuple[str, str]]:
    return [(one.path, one.detail) for one in read_config(json.dumps(fields).encode()).secrets]


def test_credentials_are_found_in_every_part_of_a_configuration():
    run = {
        "Env": [
            "PATH=/bin",
            "DB_PASSWORD=hunter22",
            "DB_PASSWORD_FILE=/run/secrets/db",
            "POSTGRES_PASSWORD=",
            "JAVA_OPTS=-Xmx1g -Ddb.password=hunter22",
        ],
        "Labels": {"team": "web", "deploy.token": "abcdefgh"},
        "Entrypoint": ["/serve", "--password=hunter22"],
        "Cmd": ["redis://:hunter22@cache"],
        "Healthcheck": {"Test": ["CMD-SHELL", "curl -f -u ann:hunter22 http://localhost"]},
    }
    history = [
        {"created_by": "ADD rootfs.tar / # buildkit"},
        {"created_by": "ENV DB_PASSWORD=hunter22", "empty_layer": True},
        {"created_by": "RUN |1 NPM_TOKEN=abcdefgh /bin/sh -c npm ci # buildkit"},
    ]
    assert places(config=run, history=history) == [
        ("(configuration) env DB_PASSWORD", "credential by its name"),
        ("(configuration) env JAVA_OPTS", "credential by its name"),
        ("(configuration) label deploy.token", "credential by its name"),
        ("(configuration) entrypoint", "credential by its name"),
        ("(configuration) command", "password in an address"),
        ("(configuration) health check", "password"),
        ("(configuration) build step 3", "credential by its name"),
    ]


def test_a_variable_that_a_later_step_took_away_stands_in_the_step_that_set_it():
    history = [{"created_by": "ENV DB_PASSWORD=hunter22"}, {"created_by": "ENV DB_PASSWORD="}]
    assert places(config={"Env": ["DB_PASSWORD="]}, history=history) == [
        ("(configuration) build step 1", "credential by its name")
    ]


@pytest.mark.parametrize("history", [None, "x", 5, {}, [None, 5, {"created_by": 7}, {"created_by": None}]])
def test_a_history_that_makes_no_sense_costs_nothing_else(history: object):
    reading = read_config(json.dumps({"os": "linux", "history": history, "config": {"User": "app"}}).encode())
    assert (reading.platform, reading.config.user, reading.secrets) == ("linux", "app", ())


@pytest.mark.parametrize("health", [None, "x", {}, {"Test": "x"}, {"Test": [1, None]}])
def test_a_health_check_that_makes_no_sense_costs_nothing_else(health: object):
    reading = read_config(json.dumps({"config": {"User": "app", "Healthcheck": health}}).encode())
    assert (reading.config.user, reading.secrets) == ("app", ())


def test_a_history_of_brackets_is_refused():
    with pytest.raises(Damaged):
        read_config(b'{"history":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
