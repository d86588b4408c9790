"""Training data of the model ``ade``: reports of adverse effects, and what only looks like them."""
