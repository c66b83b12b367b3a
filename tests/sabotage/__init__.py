"""Small faults, each planted in a copy of the source; a named test must go red.

`faults` holds them as data, `runner` plants them: `make sabotage`.
"""
