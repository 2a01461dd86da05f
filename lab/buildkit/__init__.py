"""What BuildKit hashes, keys and prints, as pure values; nothing here touches a box, a registry or a run."""
