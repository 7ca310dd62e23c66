"""From the image to a patient's risk: networks with one output, trained by the Cox partial likelihood."""
