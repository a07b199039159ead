"""Domain adaptation to a new city without its labels (US 12,394,188 B2)."""
