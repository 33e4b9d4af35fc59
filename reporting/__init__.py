"""What people are told: status, report, flows, obligations, digest, notifications. Imports `pipeline` and below."""
