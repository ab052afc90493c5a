"""Engine 2: the packages in images. Knows ``model``; is handed files and hands back values."""
