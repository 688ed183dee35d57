"""What runs and where: hosts, machines, processes, workloads and how many copies they need."""
