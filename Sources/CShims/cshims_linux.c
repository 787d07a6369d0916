#define _GNU_SOURCE
#include "cshims_linux.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// ---- supervised child processes: the starter's side -----------------------------------

enum { SUPERVISOR_LIFELINE = 3, SUPERVISOR_STATUS = 4, FIRST_FREE_DESCRIPTOR = 10 };

/// A pipe whose ends cannot collide with the numbers that the child will use.
static int high_pipe(int ends[2]) {
    int low[2];
    if (pipe2(low, O_CLOEXEC) != 0) return errno;
    int failure = 0;
    for (int i = 0; i < 2; i++) {
        ends[i] = fcntl(low[i], F_DUPFD_CLOEXEC, FIRST_FREE_DESCRIPTOR);
        if (ends[i] < 0 && failure == 0) failure = errno;
        close(low[i]);
    }
    if (failure != 0) {
        for (int i = 0; i < 2; i++) {
            if (ends[i] >= 0) close(ends[i]);
        }
    }
    return failure;
}

/// Spawns with default signals, in a session of its own, with only 0-2 and `extra` open.
static int spawn_clean(pid_t *pid, const char *path, char *const *arguments,
                       char *const *environment, int output, int lifeline, int status) {
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (output >= 0) {
        posix_spawn_file_actions_adddup2(&actions, output, 1);
    } else {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    }
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    int first_closed = 3;
    if (lifeline >= 0) {
        posix_spawn_file_actions_adddup2(&actions, lifeline, SUPERVISOR_LIFELINE);
        posix_spawn_file_actions_adddup2(&actions, status, SUPERVISOR_STATUS);
        first_closed = SUPERVISOR_STATUS + 1;
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, first_closed);
    int failure = posix_spawn(pid, path, &actions, &attributes, arguments, environment);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return failure;
}

int shoal_supervise(char *const *arguments, char *const *environment, struct shoal_supervisor *out) {
    int lifeline[2], status[2];
    int failure = high_pipe(lifeline);
    if (failure != 0) return failure;
    failure = high_pipe(status);
    if (failure != 0) {
        close(lifeline[0]);
        close(lifeline[1]);
        return failure;
    }
    pid_t pid = -1;
    failure = spawn_clean(&pid, "/proc/self/exe", arguments, environment, -1, lifeline[0], status[1]);
    close(lifeline[0]);
    close(status[1]);
    if (failure != 0) {
        close(lifeline[1]);
        close(status[0]);
        return failure;
    }
    *out = (struct shoal_supervisor){.pid = pid, .lifeline = lifeline[1], .status = status[0]};
    return 0;
}

int shoal_capture(char *const *arguments, char *const *environment, char *output, size_t capacity,
                  size_t *length, int *code) {
    int ends[2];
    int failure = high_pipe(ends);
    if (failure != 0) return failure;
    pid_t pid = -1;
    failure = spawn_clean(&pid, arguments[0], arguments, environment, ends[1], -1, -1);
    close(ends[1]);
    *length = 0;
    while (failure == 0) {
        char overflow[512];
        size_t room = capacity - *length;
        ssize_t count = read(ends[0], room > 0 ? output + *length : overflow, room > 0 ? room : sizeof overflow);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        if (room > 0) *length += (size_t)count;
    }
    close(ends[0]);
    if (failure != 0) return failure;
    int status = 0;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) return errno;
    }
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return 0;
}

// ---- supervised child processes: the supervisor's side --------------------------------

enum {
    ARGUMENT_USER = 1,
    ARGUMENT_GROUP,
    ARGUMENT_DIRECTORY,
    ARGUMENT_LOG,
    ARGUMENT_LOG_LIMIT,
    ARGUMENT_PATIENCE,
    ARGUMENT_PROGRAM,
    ARGUMENTS_AT_LEAST,
};

enum { QUIT_PATIENCE_MS = 5000, SWEEP_PATIENCE_MS = 2000 };

enum phase {
    RUNNING,      // until the lifeline closes or the program ends
    INTERRUPTED,  // SIGINT sent: PostgreSQL's fast shutdown
    QUIT,         // SIGQUIT sent: its immediate shutdown
    KILLED,       // SIGKILL sent
    SWEEPING,     // the program is gone, its children get SIGQUIT
    SWEPT,        // and then SIGKILL
};

struct supervision {
    pid_t program;
    int program_status;
    enum phase phase;
    long long deadline_ms;  // when the phase escalates; 0: never
    int lifeline;           // -1 once closed
    int signals;
    int log_pipe;  // -1 at end of file
    int log;
    long long log_size, log_limit;
    const char *log_path;
};

static long long now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static int fail(const char *step) {
    dprintf(SUPERVISOR_STATUS, "E %s %d\n", step, errno);
    return 1;
}

static int drop_privileges(uid_t user, gid_t group) {
    if (geteuid() != 0 || user == 0) return 0;
    if (setgroups(1, &group) != 0 || setgid(group) != 0 || setuid(user) != 0) return -1;
    return prctl(PR_SET_DUMPABLE, 1);
}

static int open_log(struct supervision *self) {
    self->log = open(self->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (self->log < 0) return -1;
    struct stat info;
    self->log_size = fstat(self->log, &info) == 0 ? info.st_size : 0;
    return 0;
}

static void rotate_log(struct supervision *self) {
    char old[4096];
    int length = snprintf(old, sizeof old, "%s.1", self->log_path);
    if (length < 0 || (size_t)length >= sizeof old || rename(self->log_path, old) != 0) return;
    close(self->log);
    open_log(self);
}

/// Moves what the program printed into the log. A full disk loses lines, never blocks.
static void drain_log(struct supervision *self) {
    char buffer[16384];
    for (;;) {
        ssize_t count = read(self->log_pipe, buffer, sizeof buffer);
        if (count < 0) {
            if (errno == EINTR) continue;
            if (errno == EAGAIN) return;
        }
        if (count <= 0) {
            close(self->log_pipe);
            self->log_pipe = -1;
            return;
        }
        if (self->log_size + count > self->log_limit) rotate_log(self);
        ssize_t written = self->log >= 0 ? write(self->log, buffer, (size_t)count) : -1;
        if (written > 0) self->log_size += written;
    }
}

/// Signals every process whose parent is this one: after the death of the program these
/// are its orphans, which PR_SET_CHILD_SUBREAPER hands to the supervisor.
static void signal_children(int signal) {
    DIR *directory = opendir("/proc");
    if (directory == NULL) return;
    pid_t self = getpid();
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        pid_t pid = (pid_t)atoi(entry->d_name);
        if (pid <= 0) continue;
        char path[64], text[512];
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) continue;
        ssize_t count = read(file, text, sizeof text - 1);
        close(file);
        if (count <= 0) continue;
        text[count] = 0;
        char *name_end = strrchr(text, ')');
        int parent = 0;
        if (name_end != NULL && sscanf(name_end + 1, " %*c %d", &parent) == 1 && parent == self) kill(pid, signal);
    }
    closedir(directory);
}

/// Waits for whoever ended. Returns 1 when no child is left.
static int reap(struct supervision *self) {
    for (;;) {
        int status = 0;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid < 0 && errno == EINTR) continue;
        if (pid < 0) return 1;
        if (pid == 0) return 0;
        if (pid == self->program) {
            self->program_status = status;
            self->phase = SWEEPING;
            self->deadline_ms = now_ms() + SWEEP_PATIENCE_MS;
            signal_children(SIGQUIT);
        }
    }
}

static void escalate(struct supervision *self) {
    switch (self->phase) {
    case RUNNING:
    case KILLED:
        self->deadline_ms = 0;
        break;
    case INTERRUPTED:
        self->phase = QUIT;
        self->deadline_ms = now_ms() + QUIT_PATIENCE_MS;
        kill(self->program, SIGQUIT);
        break;
    case QUIT:
        self->phase = KILLED;
        self->deadline_ms = 0;
        kill(self->program, SIGKILL);
        break;
    case SWEEPING:
    case SWEPT:
        self->phase = SWEPT;
        self->deadline_ms = now_ms() + SWEEP_PATIENCE_MS;
        signal_children(SIGKILL);
        break;
    }
}

/// Serves until the program and all its descendants are gone.
static void watch(struct supervision *self, long long patience_ms) {
    for (;;) {
        long long left = self->deadline_ms == 0 ? -1 : self->deadline_ms - now_ms();
        if (self->deadline_ms != 0 && left <= 0) {
            escalate(self);
            continue;
        }
        struct pollfd watched[3] = {
            {.fd = self->signals, .events = POLLIN},
            {.fd = self->lifeline, .events = POLLIN},
            {.fd = self->log_pipe, .events = POLLIN},
        };
        if (poll(watched, 3, (int)left) < 0 && errno != EINTR) return;
        if (watched[2].revents != 0) drain_log(self);
        if (watched[1].revents != 0) {
            close(self->lifeline);
            self->lifeline = -1;
            if (self->phase == RUNNING) {
                self->phase = INTERRUPTED;
                self->deadline_ms = now_ms() + patience_ms;
                kill(self->program, SIGINT);
            }
        }
        if (watched[0].revents != 0) {
            struct signalfd_siginfo info;
            while (read(self->signals, &info, sizeof info) > 0) {}
            if (reap(self)) break;
        }
    }
    if (self->log_pipe >= 0) drain_log(self);
}

static void become_program(char **argv, int output, pid_t supervisor) {
    prctl(PR_SET_PDEATHSIG, SIGINT);  // second line of defence: the supervisor itself is killed
    if (getppid() != supervisor) _exit(127);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    dup2(output, 1);
    dup2(output, 2);
    execv(argv[ARGUMENT_PROGRAM], argv + ARGUMENT_PROGRAM);
    fail("program");
    _exit(127);
}

static int supervise(char **argv) {
    struct supervision self = {
        .phase = RUNNING,
        .lifeline = SUPERVISOR_LIFELINE,
        .log_path = argv[ARGUMENT_LOG],
        .log_limit = atoll(argv[ARGUMENT_LOG_LIMIT]),
    };
    fcntl(SUPERVISOR_LIFELINE, F_SETFD, FD_CLOEXEC);
    fcntl(SUPERVISOR_STATUS, F_SETFD, FD_CLOEXEC);
    sigset_t all, children;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    self.signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    if (self.signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail("signals");
    if (drop_privileges((uid_t)atoll(argv[ARGUMENT_USER]), (gid_t)atoll(argv[ARGUMENT_GROUP])) != 0) {
        return fail("user");
    }
    umask(077);
    if (chdir(argv[ARGUMENT_DIRECTORY]) != 0) return fail("directory");
    if (open_log(&self) != 0) return fail("log");
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return fail("pipe");
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t supervisor = getpid();
    self.log_pipe = ends[0];
    self.program = fork();
    if (self.program < 0) return fail("fork");
    if (self.program == 0) become_program(argv, ends[1], supervisor);
    close(ends[1]);
    dprintf(SUPERVISOR_STATUS, "S %d\n", (int)self.program);
    watch(&self, atoll(argv[ARGUMENT_PATIENCE]));
    int status = self.program_status;
    if (WIFSIGNALED(status)) {
        dprintf(SUPERVISOR_STATUS, "X 1 %d\n", WTERMSIG(status));
    } else {
        dprintf(SUPERVISOR_STATUS, "X 0 %d\n", WEXITSTATUS(status));
    }
    return 0;
}

/// Runs before main, in an executable that was started as a supervisor.
__attribute__((constructor)) static void take_over(int argc, char **argv) {
    if (argc > ARGUMENTS_AT_LEAST - 1 && strcmp(argv[0], SHOAL_SUPERVISOR_NAME) == 0) _exit(supervise(argv));
}

int shoal_sync_filesystem(int directory) {
    return syncfs(directory) == 0 ? 0 : errno;
}

// ---- threads --------------------------------------------------------------------------

void shoal_name_thread(const char *name) {
    prctl(PR_SET_NAME, name);
}
