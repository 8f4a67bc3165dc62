"""Commands as people type them, for the pages."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "lights.set": "key fill intensity=0.5 cct=4300 fade=2",
    "look.apply": "soft fade=3",
    "lights.release": "role:key fade=1",
    "lights.stop": "",
    "lights.stop.reset": "",
    "lights.master": "level=0.6 fade=3",
    "exposure.set": "hold target=0.2",
    "exposure.release": "mode=advise",
    "probe.now": "uplink count=20",
    "profiles.list": "",
    "identity": "",
    "log.level": "debug seconds=300",
    "support.bundle": "",
    "config.get": "part=1",
    "config.validate": """'text=agent = { site = "demo", name = "studio" }'""",
    "config.propose": """'text=agent = { site = "demo", name = "studio" }'""",
    "config.apply": f"sha256={'3f1c' * 16} seconds=20",
    "config.versions": "",
    "config.rollback": "version=3",
    "report.list": "first=5",
    "report.get": "latest part=1",
    "maintenance.note": "'text=new lamp, cleaned the lens' about=key",
    "alert.ack": "output.widget-1.offline",
    "alert.silence": "'network.*' hours=2",
    "alert.unsilence": "'network.*'",
    "selftest.start": "depth=full 'only=LGT-*,CAM-03'",
    "selftest.cancel": "",
    "identify": "back seconds=4",
    "reload": "",
    "telemetry.set": """'groups={"network": {"interval": 0.5, "dead_bands": {"rtt_ms": 2}}}'""",
    "ping": "",
    "command.cancel": "c-1041",
}
"""Each verb as a person types it after ``studio-agent send``; it gives the arguments of ``examples.COMMANDS``."""
