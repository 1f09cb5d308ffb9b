"""Pure rules of the games: schedule, news and bots. Time and random draws come in as arguments."""
