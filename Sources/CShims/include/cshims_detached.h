#ifndef SHOAL_CSHIMS_DETACHED_H
#define SHOAL_CSHIMS_DETACHED_H

/// Starts a program that outlives its starter, as a child in a session of its own: a terminal's Ctrl-C
/// does not reach it. Default signals, empty input, both outputs to `output` (above 2), nothing else open.
/// Safe in a process with many threads (posix_spawn). `arguments` begin with the program's name.
/// Returns 0 or an errno value.
int shoal_spawn_detached(const char *program, char *const *arguments, char *const *environment,
                         int output, int *pid);

#endif
