"""The shop: one page to order, one page for each order, and the admin."""
