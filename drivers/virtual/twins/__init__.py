"""Fake firmware, one file for each kind of device."""
