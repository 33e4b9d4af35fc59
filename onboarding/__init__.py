"""A first day with a new system: draft, connection check, conformance on site. Imports `pipeline` and below."""
