"""The checks of the agent itself, by subject; drivers bring their own (``Device.checks``)."""
