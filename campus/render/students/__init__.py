"""Datasets of the systems that keep students."""
