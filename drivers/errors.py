"""What may leave a driver. Anything else that leaves one is a bug."""


class DriverError(Exception):
    """A device said no, or nothing. ``reason`` says what and why; ``remedy`` what to do about it."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


class DeviceMissing(DriverError):
    """Nothing is there under that name, or it may not be opened. The agent reopens with back-off."""


class StillOpening(DriverError):
    """It is being opened, which takes longer than a lane may be blocked: ``open()`` again goes on with it, ``close()``
    gives it up. ``reason`` says what is waited for."""


class LinkLost(DriverError):
    """It was there and is gone (unplugged, closed by the far end). The agent closes and reopens."""


class WorkLost(DriverError):
    """Work done in steps is no longer there: its process fell, or other work took its place. The device may be well."""


class ReplyTimeout(DriverError):
    """No answer, or not a whole one, within the time limit."""


class Stalled(ReplyTimeout):
    """What was written was not taken within the time limit, or only a part of it: ``taken`` bytes."""

    def __init__(self, reason: str, remedy: str = "", taken: int = 0) -> None:
        super().__init__(reason, remedy)
        self.taken = taken


class BadReply(DriverError):
    """An answer that is not one of the protocol's: noise, wrong checksum, wrong length."""


class Refused(DriverError):
    """The device understood and declined; its own code is in the reason. Never retried."""


class NotSupported(DriverError):
    """This device, firmware or host cannot do that. ``key``: what of its table is at fault, where it is one key."""

    def __init__(self, reason: str, remedy: str = "", key: str = "") -> None:
        super().__init__(reason, remedy)
        self.key = key
