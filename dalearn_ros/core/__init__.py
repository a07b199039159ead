"""Ground floor: settings, errors, atomic files, progress and seeded randomness."""
