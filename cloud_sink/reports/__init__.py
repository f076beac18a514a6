"""Reports: tables of an office's period, and what is made of them."""
