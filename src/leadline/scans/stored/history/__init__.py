"""History of findings: ``lives`` says how an object's continues, ``days`` what a day ends with, ``reading`` reads all of it."""
