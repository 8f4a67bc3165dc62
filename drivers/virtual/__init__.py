"""The virtual studio: a Host whose wires end at twins instead of hardware. Only the command line and tests use it."""
