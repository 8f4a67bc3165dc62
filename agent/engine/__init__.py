"""The output engine: a process of its own for everything that beats. See README.md."""
