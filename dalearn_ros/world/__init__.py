"""The embedded default: procedural cities seen by a camera, written as an ordinary bag and map."""
