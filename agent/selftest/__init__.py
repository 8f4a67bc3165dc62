"""The self-test: plan, run, report. It proves with the camera that a commanded light did what it was told."""
