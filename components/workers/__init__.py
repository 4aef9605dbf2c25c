"""Fleets that take jobs off a queue: one module is one kind, all of them satisfy one contract."""
