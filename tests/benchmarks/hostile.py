"""A million hostile messages through inbox, dispatcher and gate: how many were executed, how many not caught."""

import asyncio
import time
from pathlib import Path

from tests.benchmarks.row import Row
from tests.hostile import Campaign

COUNT = 1_000_000


def run(folder: Path) -> list[Row]:
    campaign = Campaign(seed=7)
    begun = time.perf_counter()
    asyncio.run(campaign.run(COUNT))
    took = time.perf_counter() - begun
    kinds = ", ".join(f"{name.replace('_', ' ')}" for name in sorted(campaign.kinds))
    codes = ", ".join(f"{code} {count}" for code, count in campaign.codes.most_common())
    return [
        Row(
            "hostile topics, payloads and envelopes",
            f"{campaign.executed} executed, {campaign.uncaught} uncaught of {campaign.acked}",
            "0 executed, 0 uncaught of ≥ 1 000 000",
            campaign.executed == campaign.uncaught == 0 and campaign.acked >= COUNT,
            f"seeded, in {took:.0f} s: {kinds}; answered: {codes}",
        )
    ]
