"""What a rule sees: the step, its values, its schema, units and names."""
