"""What the deployment file said at each start: kept when it changed, without secrets, and never rewritten."""

from __future__ import annotations

from typing import Any

import pytest
from alerting_samples import NORTH
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

import config
from alerting import configuration_log
from alerting.store import NotFoundError, Store

COUNTY = {"id": "county", "name": "县", "url": "https://county.example/T0KEN", "secret": "the signing key"}


def deployment(**more: Any) -> config.Deployment:
    return config.Deployment.model_validate(
        {"name": "hills", "cameras": [NORTH], "dispatch": [COUNTY], **more}
    )


def test_a_start_with_the_same_file_is_not_noted_again_and_another_is(store: Store) -> None:
    assert configuration_log.record(store, deployment(), "0.1")
    assert not configuration_log.record(store, deployment(), "0.1")
    changed = deployment(logs={"keep_days": 30}, time_zone="Asia/Shanghai")
    assert configuration_log.record(store, changed, "0.1")
    assert configuration_log.record(store, deployment(), "0.2"), "back again is another time"
    found = configuration_log.versions(store)
    assert [(one.version, one.program) for one in found] == [(3, "0.2"), (2, "0.1"), (1, "0.1")]
    assert [one.digest for one in found] == [deployment().version, changed.version, deployment().version]


def test_a_version_says_what_was_in_force_and_what_was_not_so_before(store: Store) -> None:
    configuration_log.record(store, deployment(), "0.1")
    configuration_log.record(store, deployment(logs={"keep_days": 30}, sender="x.example"), "0.1")
    first, second = configuration_log.version(store, 1), configuration_log.version(store, 2)
    assert (first.changed, set(second.changed)) == ((), {"logs.keep_days", "sender"})
    assert second.configuration["logs"]["keep_days"] == 30
    with pytest.raises(NotFoundError, match="no version 3"):
        configuration_log.version(store, 3)


def test_no_secret_is_kept(store: Store) -> None:
    configuration_log.record(store, deployment(), "0.1")
    kept = str(configuration_log.version(store, 1).configuration)
    assert "T0KEN" not in kept
    assert "the signing key" not in kept
    assert "https://county.example/***" in kept


@pytest.mark.parametrize(
    "statement", ["UPDATE configuration_versions SET program = 'x'", "DELETE FROM configuration_versions"]
)
def test_the_database_itself_refuses_to_change_a_version(store: Store, statement: str) -> None:
    configuration_log.record(store, deployment(), "0.1")
    with pytest.raises(DBAPIError, match="append-only"), store.writing() as session:
        session.execute(text(statement))
