"""One `lab repro`: the scenario, the matrix of trials, the boxes at work, and what is recorded of them."""
