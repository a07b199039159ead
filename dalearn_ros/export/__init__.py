"""Trained network to ONNX, with a check that both say the same."""
