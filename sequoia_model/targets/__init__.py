"""The input and target of a network: features, measured expression, and the patient of each slide."""

from sequoia_model.targets.measured import Measured, open_measured
from sequoia_model.targets.network_input import InputSpec, NetworkInput, in_order, input_of_bag, load_input
from sequoia_model.targets.slide_patients import SlidePatient, patients_of_slides

__all__ = [
    "InputSpec",
    "Measured",
    "NetworkInput",
    "SlidePatient",
    "in_order",
    "input_of_bag",
    "load_input",
    "open_measured",
    "patients_of_slides",
]
