"""What the network does, in numbers and a verdict."""
