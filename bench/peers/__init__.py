"""The servers that Strongroom is measured against."""
