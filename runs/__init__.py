"""Which stages run in which order: nightly, refresh, redelivery, sign-off of many, retention. Imports `desk` and below."""
