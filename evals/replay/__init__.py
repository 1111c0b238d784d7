"""Whether replaying the plan of a recorded repair gives the report that is on record."""
