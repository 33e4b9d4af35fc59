"""SELECTs as trees: files with their lines, the portable subset, lineage, casts, conditions. Imports `core`."""
