"""CardDAV in and out: one file per method. Status codes live here and nowhere below."""
