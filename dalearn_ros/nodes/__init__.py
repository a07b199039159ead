"""Thin adapters between ROS 2 and the rest: messages, parameters, QoS, diagnostics, the nodes."""
