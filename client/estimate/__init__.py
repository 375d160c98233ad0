"""How long a request will take on the device at hand, and how much memory; learnt from the runs there."""
