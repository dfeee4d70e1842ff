"""Where the relation with each customer stands: rules, signals from the tables, and the machine that runs them."""
