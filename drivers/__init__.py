"""Plain blocking code that reaches hardware: codecs, devices, metrics, the Host, the virtual studio."""
