"""Learn what every light does, keep it, prove it again."""
