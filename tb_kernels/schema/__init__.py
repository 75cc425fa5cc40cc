"""What those who write a log and those who read it agree on."""
