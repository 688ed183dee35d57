"""What is known of each service, instance and replica, and the list of what happened."""
