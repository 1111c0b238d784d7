"""The rules: plain functions from a problem and its situation to proposals, each with evidence and confidence."""
