"""What an assistant may ask, over the Model Context Protocol on standard input and output. No tool writes anything."""
