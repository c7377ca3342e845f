"""One MQTT 5 publication of one message, acknowledged by the broker (QoS 1).

The broker's acknowledgement is all that MQTT offers; it keeps the message for subscribers that are away
only if they have a session. A broker that says nobody has subscribed at all has lost the message, so that
is tried again. Headers of the HTTP form travel as user properties.
"""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from alerting.store import utc_now
from alerting.targets.line import Answer, Clock, Outcome, Parcel, Target, envelope, shortened, tls_context

_NOBODY_SUBSCRIBES = 0x10
_REFUSED = frozenset({0x87, 0x90, 0x95, 0x99})
"""Not authorized, topic name invalid, packet too large, payload format invalid: final."""


class MqttLine:
    """Publishes to one topic of one broker over one kept connection. Not shared between threads."""

    def __init__(self, target: Target, clock: Clock = utc_now) -> None:
        parts = urlsplit(target.url)
        self._target = target
        self._clock = clock
        self._host = parts.hostname or ""
        self._secure = parts.scheme == "mqtts"
        self._port = parts.port or (8883 if self._secure else 1883)
        self._topic = parts.path.strip("/")
        self._client: paho.Client | None = None
        self._heard = threading.Event()
        self._connected: ReasonCode | None = None
        self._published: dict[int, ReasonCode] = {}

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def send(self, parcel: Parcel) -> Answer:
        try:
            refusal = self._connect()
        except (OSError, ValueError) as error:
            self.close()
            return Answer(Outcome.RETRY, shortened(f"no connection: {error}"), may_have_arrived=False)
        if refusal is not None:
            self.close()
            return Answer(Outcome.RETRY, refusal, may_have_arrived=False)
        answer = self._publish(parcel)
        if answer.outcome is Outcome.RETRY:
            self.close()  # a fresh connection; paho must not repeat on its own what we repeat
        return answer

    def _connect(self) -> str | None:
        """None when connected, or why not."""
        if self._client is not None and self._client.is_connected():
            return None
        self.close()
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
        client.connect_timeout = self._target.timeout_s
        if self._target.basic is not None:
            client.username_pw_set(self._target.basic.user, self._target.basic.password.get_secret_value())
        if self._secure:
            client.tls_set_context(tls_context(self._target.tls))
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        self._client, self._connected, self._published = client, None, {}
        self._heard.clear()
        client.connect(self._host, self._port, keepalive=30)
        client.loop_start()
        if not self._heard.wait(self._target.timeout_s) or self._connected is None:
            return f"broker did not answer within {self._target.timeout_s:g} s"
        return f"broker refuses us: {self._connected}" if self._connected.is_failure else None

    def _publish(self, parcel: Parcel) -> Answer:
        assert self._client is not None
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        properties.ContentType = parcel.media_type
        properties.UserProperty = list(envelope(self._target, parcel, self._clock()).items())
        self._heard.clear()
        try:
            sent = self._client.publish(self._topic, parcel.body, qos=1, properties=properties)
        except ValueError as error:
            return Answer(Outcome.REFUSED, shortened(f"cannot be published: {error}"))
        while sent.mid not in self._published:
            if not self._heard.wait(self._target.timeout_s):
                return Answer(Outcome.RETRY, f"no acknowledgement within {self._target.timeout_s:g} s")
            self._heard.clear()
        code = self._published.pop(sent.mid)
        if code.value == _NOBODY_SUBSCRIBES:
            return Answer(Outcome.RETRY, f"nobody has subscribed to {self._topic}: the broker kept nothing")
        if code.is_failure:
            outcome = Outcome.REFUSED if code.value in _REFUSED else Outcome.RETRY
            return Answer(outcome, shortened(f"broker: {code}"))
        return Answer(Outcome.ACKNOWLEDGED, f"broker: {code}")

    def _on_connect(
        self, _client: paho.Client, _data: object, _flags: object, code: ReasonCode, _properties: object
    ) -> None:
        self._connected = code
        self._heard.set()

    def _on_publish(
        self, _client: paho.Client, _data: object, mid: int, code: ReasonCode, _properties: object
    ) -> None:
        self._published[mid] = code
        self._heard.set()
