"""Rigid transforms, cameras, trajectories, TF, geodesy, pose from points."""
