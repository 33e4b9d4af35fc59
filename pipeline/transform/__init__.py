"""From the landing to judged canonical rows: typed views, conform, derive, check, quarantine. Imports `pipeline.ingest`."""
