"""The two eras of the protocol towards each other: envelopes, questions, subscriptions."""
