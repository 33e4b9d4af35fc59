"""Measurements of whole runs, printed and kept as JSON beside this file."""
