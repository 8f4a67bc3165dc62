"""RDM's numbers and the words for them: parameter ids, NACK reasons, units, status texts (E1.20 Appendix A and B)."""

from enum import IntEnum

from config.units import Text


class Pid(IntEnum):
    """Parameter ids (Table A-3; E1.37-1 Table A-1)."""

    DISC_UNIQUE_BRANCH = 0x0001
    DISC_MUTE = 0x0002
    DISC_UN_MUTE = 0x0003
    PROXIED_DEVICES = 0x0010
    COMMS_STATUS = 0x0015
    QUEUED_MESSAGE = 0x0020
    STATUS_MESSAGES = 0x0030
    STATUS_ID_DESCRIPTION = 0x0031
    CLEAR_STATUS_ID = 0x0032
    SUPPORTED_PARAMETERS = 0x0050
    PARAMETER_DESCRIPTION = 0x0051
    DEVICE_INFO = 0x0060
    DEVICE_MODEL_DESCRIPTION = 0x0080
    MANUFACTURER_LABEL = 0x0081
    DEVICE_LABEL = 0x0082
    SOFTWARE_VERSION_LABEL = 0x00C0
    DMX_PERSONALITY = 0x00E0
    DMX_PERSONALITY_DESCRIPTION = 0x00E1
    DMX_START_ADDRESS = 0x00F0
    SLOT_INFO = 0x0120
    DMX_FAIL_MODE = 0x0141
    DMX_STARTUP_MODE = 0x0142
    SENSOR_DEFINITION = 0x0200
    SENSOR_VALUE = 0x0201
    RECORD_SENSORS = 0x0202
    DEVICE_HOURS = 0x0400
    LAMP_HOURS = 0x0401
    LAMP_STRIKES = 0x0402
    DEVICE_POWER_CYCLES = 0x0405
    IDENTIFY_DEVICE = 0x1000
    RESET_DEVICE = 0x1001
    PERFORM_SELFTEST = 0x1020
    SELF_TEST_DESCRIPTION = 0x1021


_PIDS = frozenset(Pid)


def pid_name(pid: int) -> str:
    """``"DEVICE_INFO"``, or ``"0x8001"`` for one that is a manufacturer's or not known here."""
    return Pid(pid).name if pid in _PIDS else f"{pid:#06x}"


class Nack(IntEnum):
    """Why a responder refuses (Table A-17)."""

    UNKNOWN_PID = 0x0000
    FORMAT_ERROR = 0x0001
    HARDWARE_FAULT = 0x0002
    PROXY_REJECT = 0x0003
    WRITE_PROTECT = 0x0004
    UNSUPPORTED_COMMAND_CLASS = 0x0005
    DATA_OUT_OF_RANGE = 0x0006
    BUFFER_FULL = 0x0007
    PACKET_SIZE_UNSUPPORTED = 0x0008
    SUB_DEVICE_OUT_OF_RANGE = 0x0009
    PROXY_BUFFER_FULL = 0x000A


_NACKS: dict[int, Text] = {
    Nack.UNKNOWN_PID: Text("it does not know this parameter", "不支持该参数"),
    Nack.FORMAT_ERROR: Text("it finds the request malformed", "请求格式错误"),
    Nack.HARDWARE_FAULT: Text("an internal hardware fault", "设备内部硬件故障"),
    Nack.PROXY_REJECT: Text("the proxy is not the device's master", "代理设备拒绝"),
    Nack.WRITE_PROTECT: Text("it is write-protected", "设备写保护"),
    Nack.UNSUPPORTED_COMMAND_CLASS: Text("it cannot get or set this", "该参数不支持此操作（读或写）"),
    Nack.DATA_OUT_OF_RANGE: Text("the value is out of its range", "数值超出范围"),
    Nack.BUFFER_FULL: Text("it has no room for the answer now", "设备缓冲区已满"),
    Nack.PACKET_SIZE_UNSUPPORTED: Text("the packet is too long for it", "不支持该数据包长度"),
    Nack.SUB_DEVICE_OUT_OF_RANGE: Text("there is no such sub-device", "子设备号超出范围"),
    Nack.PROXY_BUFFER_FULL: Text("the proxy has no room now", "代理设备缓冲区已满"),
}


def nack_text(code: int) -> Text:
    """What a NACK reason means."""
    return _NACKS.get(code) or Text(f"its own reason {code:#06x}", f"原因代码 {code:#06x}")


UNITS = (
    *("", "°C", "V", "V", "V", "A", "A", "A", "Hz", "Ω", "W", "kg", "m", "m²", "m³", "kg/m³", "m/s", "m/s²"),
    *("N", "J", "Pa", "s", "°", "sr", "cd", "lm", "lx", "IRE", "byte"),
)
"""Sensor units by number (Table A-13); volts and amperes are direct, peak and effective in this order."""

_POWERS = (0, -1, -2, -3, -6, -9, -12, -15, -18, -21, -24)


def scale(prefix: int) -> float:
    """What a sensor's value is multiplied with (Table A-14). 1 for a prefix that is none."""
    index, up = prefix & 0x0F, prefix & 0x10
    if prefix > 0x1F or index >= len(_POWERS):
        return 1.0
    return float(10.0 ** (-_POWERS[index] if up else _POWERS[index]))


SENSORS = (
    *("temperature", "voltage", "current", "frequency", "resistance", "power", "mass", "length", "area", "volume"),
    *("density", "velocity", "acceleration", "force", "energy", "pressure", "time", "angle", "position x"),
    *("position y", "position z", "angular velocity", "luminous intensity", "luminous flux", "illuminance"),
    *("chrominance red", "chrominance green", "chrominance blue", "contacts", "memory", "items", "humidity", "counter"),
)
"""What a sensor measures, by number (Table A-12)."""


class StatusType(IntEnum):
    """How bad a status message is (Table A-4)."""

    NONE = 0x00
    GET_LAST_MESSAGE = 0x01
    ADVISORY = 0x02
    WARNING = 0x03
    ERROR = 0x04
    ADVISORY_CLEARED = 0x12
    WARNING_CLEARED = 0x13
    ERROR_CLEARED = 0x14


# {0} and {1} are the message's two values. A value that the standard prints as a slot's label (%L) is a slot number.
_STATUS = {
    0x0001: ("slot {0}: calibration failed", "通道{0}：校准失败"),
    0x0002: ("slot {0}: sensor not found", "通道{0}：未找到传感器"),
    0x0003: ("slot {0}: sensor always on", "通道{0}：传感器常开"),
    0x0011: ("lamp doused", "灯泡熄灭"),
    0x0012: ("lamp failed to strike", "灯泡点亮失败"),
    0x0021: ("sensor {0} over temperature at {1} °C", "传感器{0}过热，{1} °C"),
    0x0022: ("sensor {0} under temperature at {1} °C", "传感器{0}过冷，{1} °C"),
    0x0023: ("sensor {0} out of range", "传感器{0}超出范围"),
    0x0031: ("phase {0} over voltage at {1} V", "第{0}相过压，{1} V"),
    0x0032: ("phase {0} under voltage at {1} V", "第{0}相欠压，{1} V"),
    0x0033: ("phase {0} over current at {1} A", "第{0}相过流，{1} A"),
    0x0034: ("phase {0} under current at {1} A", "第{0}相欠流，{1} A"),
    0x0035: ("phase {0} is at {1} degrees", "第{0}相相位 {1}°"),
    0x0036: ("phase {0} error", "第{0}相错误"),
    0x0037: ("{0} A", "{0} A"),
    0x0038: ("{0} V", "{0} V"),
    0x0041: ("no dimmer", "没有调光器"),
    0x0042: ("breaker tripped", "断路器跳闸"),
    0x0043: ("{0} W", "{0} W"),
    0x0044: ("dimmer failure", "调光器故障"),
    0x0045: ("panic mode", "应急模式"),
    0x0050: ("slot {0} ready", "通道{0}就绪"),
    0x0051: ("slot {0} not ready", "通道{0}未就绪"),
    0x0052: ("slot {0}: low fluid", "通道{0}：液位低"),
}


def status_text(message: int, first: int, second: int) -> Text | None:
    """What a status message says (Table B-2). ``None`` for a manufacturer's own: ask STATUS_ID_DESCRIPTION."""
    known = _STATUS.get(message)
    return None if known is None else Text(*(each.format(first, second) for each in known))
