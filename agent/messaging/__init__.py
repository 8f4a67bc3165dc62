"""The agent's voice and ear: topics, payloads, commands, the broker, the control socket."""
