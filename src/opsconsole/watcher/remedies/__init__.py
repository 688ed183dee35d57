"""Remedies: rules that suggest, ask for or begin a declared action."""
