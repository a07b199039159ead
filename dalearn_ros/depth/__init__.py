"""Local-to-global depth distillation: a patch model teaches a head of the detector distances."""
