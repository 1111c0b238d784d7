"""What a plan and an answer say: submissions, problems, and error texts."""
