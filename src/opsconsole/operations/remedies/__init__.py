"""What is recorded of automation: episodes, and the switch of all of it. It changes nothing."""
