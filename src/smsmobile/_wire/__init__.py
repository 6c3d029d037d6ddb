"""What the service's bytes mean: endpoints, envelopes, outcomes, values and models. No network, no user input."""
