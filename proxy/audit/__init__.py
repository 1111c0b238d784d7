"""Past transcripts of agents, read dry: what failed, and what would have been repaired. Nothing is sent anywhere."""
