"""The machines of the demo plant as simple physics; one module per process group.

Every machine is a mutable slotted dataclass of plain floats with `step(dt, ...)`, which moves it
`dt` seconds on (1 s live, 60 s for history), and `readings()`, its true values in the order of
`SENSORS`. Fields under "condition" are what faults act on: 0 is sound, 1 is as bad as it gets.
"""
