"""How well it went: matching, metrics, replay of drives and datasets, the report."""
