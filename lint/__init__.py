"""What must be true of contracts and SQL before a row is moved, with file and line. Imports `contracts` and `core`."""
