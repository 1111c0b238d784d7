"""`run_workflow`: a plan of several calls, run, searched, reported, gone on with."""
