"""The Python that reads contracts, flows and SELECTs into one catalogue. Data lies in `schemas/`. Imports `core`."""
