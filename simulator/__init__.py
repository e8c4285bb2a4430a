"""An EnOS API gateway on loopback, with a living building behind it."""

from .commands import Command
from .devices import Behaviour, Sample, SimDevice
from .faults import Fault, Faults, RequestRecord
from .guesses import Guesses
from .points import Kind, Point
from .simulator import Simulator
from .values import Json

__all__ = [
    "Behaviour",
    "Command",
    "Fault",
    "Faults",
    "Guesses",
    "Json",
    "Kind",
    "Point",
    "RequestRecord",
    "Sample",
    "SimDevice",
    "Simulator",
]
