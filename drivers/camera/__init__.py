"""Cameras: the driver, what a picture says about the light (pure), what is wrong with it (pure)."""
