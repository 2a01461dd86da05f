"""What an emulated box waits for."""
