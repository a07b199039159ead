"""What learning and vehicle share: grid, anchor nodes, pixel maps, decoding, model metadata."""
