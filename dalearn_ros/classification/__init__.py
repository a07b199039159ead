"""A plain classifier of small images on the one training loop."""
