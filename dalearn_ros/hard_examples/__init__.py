"""Hard examples: images recoloured area by area, and of those the ones that a model fails on."""
