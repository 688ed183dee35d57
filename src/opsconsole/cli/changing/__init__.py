"""Commands that plan, ask and change."""
