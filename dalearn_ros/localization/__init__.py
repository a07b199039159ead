"""Where the vehicle is: which landmark is which, and the pose that follows."""
