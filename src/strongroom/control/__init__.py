"""Commands: one table of them, run by the server for others, or here under the locks."""
