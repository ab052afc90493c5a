"""Documents that leave the program: reports, SBOMs and baselines, complete and readable by others."""
