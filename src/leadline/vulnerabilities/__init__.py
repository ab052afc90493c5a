"""Engine 2: which advisories match the packages of an image. Knows ``model`` and ``packages``; opens its own database, nothing else."""
