#ifndef SHOAL_CSHIMS_LINUX_H
#define SHOAL_CSHIMS_LINUX_H

#include <stddef.h>

// ---- supervised child processes -------------------------------------------------------
//
//   node ──lifeline (write end)──▶ supervisor ──parent of──▶ program (postgres, initdb)
//        ◀──status (lines)────────
//
// The supervisor is this same executable, started afresh under the name below: a
// constructor takes over before main. It never shares memory with the node, and a pipe
// tells it that the node is gone, however it went.

/// argv[0] that turns this executable into a supervisor.
#define SHOAL_SUPERVISOR_NAME "shoal-supervisor"

/// A running supervisor, as its starter sees it.
struct shoal_supervisor {
    int pid;       ///< The supervisor: a child of the caller, who must wait for it.
    int lifeline;  ///< Write end. Closing it (or dying) asks for an orderly stop.
    int status;    ///< Read end. Lines as below, then end of file.
};

/// Starts a supervisor. Safe in a process with many threads (posix_spawn).
///
/// arguments (null terminated):
///   [0] SHOAL_SUPERVISOR_NAME
///   [1] user id  [2] group id: dropped to first, when the caller is root and they differ
///   [3] working directory  [4] log file  [5] log limit in bytes (then rotated to FILE.1)
///   [6] patience in ms after SIGINT; then SIGQUIT, five seconds later SIGKILL
///   [7] program  [8...] its arguments, from argv[1] on
///
/// Status lines:
///   "S PID"           the program was forked
///   "E STEP ERRNO"    a step failed: user, directory, log, pipe, fork, program
///   "X 0 CODE"        the program exited, and nothing it started is left running
///   "X 1 SIGNAL"      a signal ended the program, and nothing it started is left running
///
/// Returns 0 or an errno value.
int shoal_supervise(char *const *arguments, char *const *environment, struct shoal_supervisor *out);

/// Runs a short command to its end with /dev/null as input and collects at most
/// capacity bytes of its standard output. Returns 0 or an errno value; *code is the exit
/// code, or 128 + the signal.
int shoal_capture(char *const *arguments, char *const *environment, char *output, size_t capacity,
                  size_t *length, int *code);

/// Makes everything on the file system of an open directory durable: one pass instead of one journal
/// commit per file. Returns 0 or an errno value.
int shoal_sync_filesystem(int directory);

/// Names the calling thread for ps and debuggers; cut to 15 bytes.
void shoal_name_thread(const char *name);

#endif
