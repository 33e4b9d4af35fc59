"""From a hub version to receipts: feed snapshots, deliver, reconcile, verify, sign-off. Imports `pipeline.publishing`."""
