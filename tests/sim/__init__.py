"""A simulated world in which the production engine runs unchanged: time, disks, crashes by seed.

`loop` time and lanes · `disk` what a disk keeps and forgets · `machine` one computer with its
disks · `model` what clients were told · `checkers` the invariants · `walk` a random life by seed ·
`calendars` the same with events and who asks for times · `phones` the same with phones that speak
to the application · `stage` what the named lives share · `run` the command line.
"""
