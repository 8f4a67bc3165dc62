"""Lights that are not DMX: Modbus, and protocols that a profile describes."""
