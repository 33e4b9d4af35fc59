"""Datasets of the systems that keep staff, money and things."""
