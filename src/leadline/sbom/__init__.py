"""Engine 2: the packages in images. Knows ``model`` and ``packages``; receives files and returns values."""
