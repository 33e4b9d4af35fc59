"""The work of people: upload, dry run, error workbook, template, persons, grants, release. Imports `reporting` and below."""
