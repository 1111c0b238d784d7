"""What the page shows, made from rows of the journal and values of the program. Pure: nothing here reads or sends."""
