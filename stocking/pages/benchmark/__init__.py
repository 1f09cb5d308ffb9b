"""How many queries and how much time pages and reads take, with how many rows."""
