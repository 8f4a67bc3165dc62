"""Probes that measure the network, the reflector they measure against, and the statistics of what they find."""
