"""What the outside needs of the console: webhooks in its OpenAPI, its heartbeat, and redelivery."""

from __future__ import annotations

from datetime import timedelta

import jsonschema
from conftest import Served
from sqlalchemy import update

from alerting import heartbeat, notices
from alerting.notices import Notice
from alerting.samples import sample_alert, sample_heartbeat, sample_notice
from alerting.tables import DeliveryRow, PulseRow
from console.app import create_app


def test_what_receivers_get_is_described_as_webhooks_by_schemas_that_our_messages_fit(
    console: Served,
) -> None:
    webhooks = create_app(console.store, console.deployment).openapi()["webhooks"]
    now = console.store.clock()
    samples = {
        "alert": sample_alert("inc-1", 2, "Update", now),
        "notice": sample_notice(now),
        "heartbeat": sample_heartbeat(now),
    }
    assert set(webhooks) == set(samples)
    for name, message in samples.items():
        schema = webhooks[name]["post"]["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(message)
        assert not jsonschema.Draft202012Validator(schema).is_valid({"format": "something else"})


def test_the_heartbeat_is_well_only_while_the_sender_is(console: Served) -> None:
    with console.client() as client:
        assert client.get("/heartbeat").json()["type"].endswith("sender-silent")
        heartbeat.pulse(console.store, heartbeat.SENDER_PULSE)
        assert client.get("/heartbeat").status_code == 200
        with console.store.writing() as session:
            session.execute(update(PulseRow).values(at=console.store.clock() - timedelta(seconds=120)))
        answer = client.get("/heartbeat")
    assert answer.status_code == 503
    assert "silent for 12" in answer.json()["detail"]


def test_an_admin_sends_a_refused_message_again(console: Served) -> None:
    with console.store.writing() as session:
        notice = Notice("n-1", "camera", "失明", "-", "blind", "-")
        notices.post(session, notice, now=console.store.clock(), targets=["county"])
    with console.signed_in("admin") as client:
        (first, *_) = client.get("/api/v1/deliveries").json()
        address = f"/api/v1/deliveries/{first['delivery_id']}/redeliver"
        assert client.post(address).status_code == 404  # it is not dead
        with console.store.writing() as session:
            session.execute(update(DeliveryRow).values(state="dead", last_error="HTTP 422"))
        assert client.post(address).status_code == 204
        again = {one["delivery_id"]: one["state"] for one in client.get("/api/v1/deliveries").json()}
    assert again[first["delivery_id"]] == "pending"
