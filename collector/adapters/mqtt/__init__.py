"""Events to the sink through an MQTT broker."""

from collector.adapters.mqtt.connection import Broker, Identity, check_certificates
from collector.adapters.mqtt.publisher import MAX_BATCH_BYTES, MAX_BATCH_EVENTS, MqttPublisher

__all__ = ["MAX_BATCH_BYTES", "MAX_BATCH_EVENTS", "Broker", "Identity", "MqttPublisher", "check_certificates"]
