"""What a landmark is: label space, catalogues, and landmarks in map, image and answer."""
