#ifndef SHOAL_CSHIMS_DETACHED_H
#define SHOAL_CSHIMS_DETACHED_H

/// Starts a program that outlives its starter, as a child in a session of its own: a terminal's Ctrl-C
/// does not reach it. Default signals, input from `input` (above 2; -1: empty), both outputs to `output` (above 2),
/// nothing else open.
/// Safe in a process with many threads (posix_spawn). `arguments` begin with the program's name.
/// Returns 0 or an errno value.
int shoal_spawn_detached(const char *program, char *const *arguments, char *const *environment,
                         int input, int output, int *pid);

/// A pipe that no child inherits: the end to read, the end to write. Returns 0 or an errno value.
int shoal_pipe(int *ends);

/// Moves the calling thread, and the children that it starts, to the network namespace that `descriptor` stands for.
/// Returns 0 or an errno value.
int shoal_enter_network(int descriptor);

/// The next connection of a listening socket, which never blocks and is not inherited; -1 when there is none.
int shoal_accept(int descriptor);

/// Whether the other side of a connection has closed it, whatever arrived before.
int shoal_is_forsaken(int descriptor);

#endif
