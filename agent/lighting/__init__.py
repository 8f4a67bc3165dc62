"""Who wants which light how, and what therefore goes on the wire."""
