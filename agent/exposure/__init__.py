"""From the camera's picture to the lights: hold the exposure, safely, and hand back at once."""
