"""Attention that a person can correct: the branch, its learning, the editor, the corrected maps."""
