"""From the menu of actions over form and plan to the operation."""
