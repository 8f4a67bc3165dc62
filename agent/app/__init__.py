"""The only place where things are put together."""
