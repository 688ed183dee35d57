"""What is kept of figures over time: values, latencies, budgets, the copies advised."""
