"""Pure: legs in, contacts out. Reads no clock, no file, no database."""
