// Loaded by every page: theme switch, toasts, clock, connection, chat.
