"""What a network is given and what it is to predict: measured expression, whose slide it is, a bag as input."""
