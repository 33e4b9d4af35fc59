"""From judged rows to one hub version: diff, limits, brake, freeze, publish. Imports `pipeline.transform`."""
