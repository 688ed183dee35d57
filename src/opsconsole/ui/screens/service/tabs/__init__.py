"""The tabs of the service screen, a file each."""
