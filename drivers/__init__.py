"""Plain blocking code that reaches hardware: codecs, devices, metrics, the Host, the virtual studio."""

import os

# Before numpy is first imported: its BLAS otherwise starts a thread per core that spins between small products, which
# costs half a core for nothing and would be a thread nobody owns.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
