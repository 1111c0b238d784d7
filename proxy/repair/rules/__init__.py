"""The rules: plain functions from a problem and a view of its step to proposals, each with evidence and confidence."""
