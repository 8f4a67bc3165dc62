"""The agent as a device of Home Assistant."""
