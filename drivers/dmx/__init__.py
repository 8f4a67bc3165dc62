"""Outputs that carry DMX universes, and the pure codecs of their wires."""
