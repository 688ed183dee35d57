"""How fast and how cheap: each figure beside a peer or a floor measured in the same run."""
