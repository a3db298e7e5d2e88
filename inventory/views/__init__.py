"""The pages of the inventory, one module per noun."""
