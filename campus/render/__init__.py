"""The rehearsal university as the tables and files of its departments."""
