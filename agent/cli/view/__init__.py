"""The live view: an agent's topics as one screen."""
