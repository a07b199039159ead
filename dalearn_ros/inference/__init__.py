"""Image in, observations out, without torch."""
