"""Many bags: labelled or evaluated as retryable tasks, with results that survive a restart."""
