"""The floor for *command → frame* and for a command's round trip: a plain paho subscriber that writes the frame to a
widget, or answers, and nothing else.

``python -m tests.benchmarks.bare PORT TOPIC LINK``: no journal, no checks, no fades, no camera. Ends with its input.
LINK ``answer``: no widget, an answer to the response topic.
"""

import os
import socket
import sys
import threading
from typing import Any

from paho.mqtt.client import Client, MQTTMessage, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion

from drivers.dmx.enttec_codec import encode


def main(port: int, topic: str, link: str) -> None:
    wire = -1 if link == "answer" else os.open(link, os.O_RDWR | os.O_NOCTTY)
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.on_socket_open = lambda c, u, s: s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()

    def send(_client: Any, _userdata: Any, message: MQTTMessage) -> None:
        os.write(wire, encode(6, bytes([0]) + bytes([int(message.payload)]) * 512))

    def answer(client: Client, _userdata: Any, message: MQTTMessage) -> None:
        client.publish(str(getattr(message.properties, "ResponseTopic", "")), '{"state": "succeeded"}', 1)

    client.on_message = answer if link == "answer" else send
    client.connect("127.0.0.1", port)
    client.loop_start()
    client.subscribe(topic, 1)
    subscribed.wait(10)
    print("ready", flush=True)
    sys.stdin.read()
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
