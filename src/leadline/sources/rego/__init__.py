"""Rules in Rego that users bring, run in a child process."""
