// Daemon: on its way
