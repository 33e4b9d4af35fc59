"""What the database families are made of: sessions, catalogues, streams, and the SQL that all of them share."""
