/* Preloaded into a program under test, never part of the product. It writes down what reaches the database's files and
 * when it was made durable, lets a flush fail on demand, shifts the wall clock, and ends the process at a chosen step.
 * Compiled by `bench faults`. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { WRITE = 1, TRUNCATE = 2, SYNC = 3 };

/* One record; `length` bytes follow a WRITE. Times are CLOCK_MONOTONIC in nanoseconds. */
struct record {
    uint64_t ended, offset_or_begun, length;
    uint32_t kind, file;
};

/* What the test sets while the program runs, and reads. Steps are counted while `counting` is set: each write to the
 * database's files, each flush of them, and each answer (bytes for a socket or for standard output) is two, one before it
 * and one after. The process dies in the middle of step `die_at`, and `died_of` says which kind that was. */
struct control {
    int64_t clock_s, failing_flushes, counting, steps, die_at, died_of;
};

/* Kinds of steps before something; after it is one more. */
enum { DATABASE_WRITE = 1, LOG_WRITE = 3, DATABASE_FLUSH = 5, LOG_FLUSH = 7, ANSWER = 9 };

static signed char files[65536]; /* 1: the database, 2: its log */
static int out = -1;
static const char *watched;
static volatile struct control *control;

static uint64_t now(void) {
    struct timespec t;
    syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULT_LOG");
    watched = getenv("FAULT_WATCH");
    if (path)
        out = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    path = getenv("FAULT_CONTROL");
    if (path) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
        void *page = fd < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (page != MAP_FAILED)
            control = page;
        if (fd >= 0)
            syscall(SYS_close, fd);
    }
}

static void note(uint32_t kind, int fd, uint64_t offset, const void *data, uint64_t length) {
    if (out < 0)
        return;
    struct record r = {now(), offset, length, kind, (uint32_t)files[fd]};
    struct iovec parts[2] = {{&r, sizeof r}, {(void *)data, data ? length : 0}};
    int kept = errno;
    syscall(SYS_writev, out, parts, 2);
    errno = kept;
}

static int is_watched(int fd) { return fd >= 0 && fd < 65536 && files[fd]; }

static void step(int kind) {
    if (!control || !control->counting)
        return;
    if (__atomic_add_fetch(&control->steps, 1, __ATOMIC_SEQ_CST) == control->die_at) {
        control->died_of = kind;
        syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
    }
}

/* What a write to this descriptor is, or nothing that counts. */
static int kind_of(int fd) {
    if (!control || !control->counting)
        return 0;
    if (is_watched(fd))
        return files[fd] == 1 ? DATABASE_WRITE : LOG_WRITE;
    int kept = errno, type;
    socklen_t size = sizeof type;
    int answer = fd == 1 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0;
    errno = kept;
    return answer ? ANSWER : 0;
}

/* A call with a step before and one after it. */
#define STEPPED(fd, type, call)     \
    ({                              \
        int kind_ = kind_of(fd);    \
        if (kind_)                  \
            step(kind_);            \
        type done_ = (type)(call);  \
        if (kind_)                  \
            step(kind_ + 1);        \
        done_;                      \
    })

static int opened(int fd, const char *path) {
    if (fd >= 0 && fd < 65536) {
        size_t n = watched ? strlen(watched) : 0;
        files[fd] = 0;
        if (n && strncmp(path, watched, n) == 0)
            files[fd] = path[n] == 0 ? 1 : strcmp(path + n, "-wal") == 0 ? 2 : 0;
    }
    return fd;
}

int open64(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, int) : 0;
    va_end(more);
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), path);
}

int open(const char *path, int flags, ...) {
    va_list more;
    va_start(more, flags);
    int mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(more, int) : 0;
    va_end(more);
    return opened((int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), path);
}

int close(int fd) {
    if (fd >= 0 && fd < 65536)
        files[fd] = 0;
    return (int)syscall(SYS_close, fd);
}

ssize_t write(int fd, const void *data, size_t length) {
    off_t at = is_watched(fd) ? syscall(SYS_lseek, fd, 0, SEEK_CUR) : 0;
    ssize_t done = STEPPED(fd, ssize_t, syscall(SYS_write, fd, data, length));
    if (done > 0 && is_watched(fd))
        note(WRITE, fd, (uint64_t)at, data, (uint64_t)done);
    return done;
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t at) {
    ssize_t done = STEPPED(fd, ssize_t, syscall(SYS_pwrite64, fd, data, length, at));
    if (done > 0 && is_watched(fd))
        note(WRITE, fd, (uint64_t)at, data, (uint64_t)done);
    return done;
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    return STEPPED(fd, ssize_t, syscall(SYS_writev, fd, parts, count));
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t size) {
    return STEPPED(fd, ssize_t, syscall(SYS_sendto, fd, data, length, flags, to, size));
}

ssize_t send(int fd, const void *data, size_t length, int flags) { return sendto(fd, data, length, flags, NULL, 0); }

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
    return STEPPED(fd, ssize_t, syscall(SYS_sendmsg, fd, message, flags));
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t at) { return pwrite64(fd, data, length, at); }

int ftruncate64(int fd, off64_t length) {
    int done = STEPPED(fd, int, syscall(SYS_ftruncate, fd, length));
    if (done == 0 && is_watched(fd))
        note(TRUNCATE, fd, (uint64_t)length, NULL, 0);
    return done;
}

int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

static int flush(long call, int fd) {
    uint64_t begun = now();
    if (is_watched(fd) && control && control->failing_flushes) {
        errno = EIO;
        return -1;
    }
    int kind = is_watched(fd) ? (files[fd] == 1 ? DATABASE_FLUSH : LOG_FLUSH) : 0;
    if (kind)
        step(kind);
    int done = (int)syscall(call, fd);
    if (kind)
        step(kind + 1);
    if (done == 0 && is_watched(fd))
        note(SYNC, fd, begun, NULL, 0);
    return done;
}

int fsync(int fd) { return flush(SYS_fsync, fd); }
int fdatasync(int fd) { return flush(SYS_fdatasync, fd); }

int clock_gettime(clockid_t clock, struct timespec *t) {
    int done = (int)syscall(SYS_clock_gettime, clock, t);
    if (done == 0 && clock == CLOCK_REALTIME && control)
        t->tv_sec += control->clock_s;
    return done;
}
