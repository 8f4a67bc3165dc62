"""Hold the exposure: aim, law, hands, probe, watchdog."""
