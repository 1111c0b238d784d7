"""The search: proposals, candidates, their judgement, and the gates before sending and claiming."""
