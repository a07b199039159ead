"""Frames out of and into rosbag2 files (mcap), without ROS."""
