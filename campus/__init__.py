"""The rehearsal university: four departments' source systems, their days and their faults. No room imports it."""
