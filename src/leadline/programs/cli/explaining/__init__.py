"""What the command ``explain`` shows besides the words of a control."""
