"""What a driver is, and what drivers, plans and runners share: looks, deaths, whose word it is."""
