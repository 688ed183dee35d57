"""Why a service is as it is: facts from all that is known, and what they explain."""
