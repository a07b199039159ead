"""The whole recipe: from bags and maps to an evaluated model, each stage cached and resumable."""
