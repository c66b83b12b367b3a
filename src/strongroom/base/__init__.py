"""Values, errors and limits that every floor may use; no I/O, no imports from above."""
