"""The machines that are read and changed: what is asked of one, and this one."""
