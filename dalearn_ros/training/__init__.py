"""The one training loop, its checkpoints, and transforms that move points along."""
