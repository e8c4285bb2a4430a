"""An EnOS API gateway on loopback, with a living building behind it."""

from .commands import Command
from .devices import Behaviour, Sample, SimDevice
from .faults import Fault, Faults, RequestRecord
from .guesses import Guesses
from .simulator import Simulator

__all__ = [
    "Behaviour",
    "Command",
    "Fault",
    "Faults",
    "Guesses",
    "RequestRecord",
    "Sample",
    "SimDevice",
    "Simulator",
]
