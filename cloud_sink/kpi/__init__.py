"""Pure: contacts and legs in, KPIs out. Reads no clock, no file, no database."""
