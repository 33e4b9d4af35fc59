"""Write rows where they belong: the landing, the hub, and the receivers (tables and files)."""
