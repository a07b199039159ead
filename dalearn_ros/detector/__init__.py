"""The landmark detector as it learns: network, targets, losses and training regime."""
