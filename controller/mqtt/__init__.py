"""Copies of what the ledger holds, for an MQTT broker: never the truth, and never in the way."""
