"""Reports that go to a provider: what is sent, and how a receipt is checked."""
