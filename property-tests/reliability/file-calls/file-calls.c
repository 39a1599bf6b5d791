/*
 * Stands between a process and its C library, for the files of one folder: writes down every call that changes them, or makes one
 * call fail. Built and loaded by file-calls.ts (LD_PRELOAD). Not thread-safe against fork; none of ours forks there.
 *
 * POSTERN_WATCH   the folder
 * POSTERN_RECORD  a file for the record, one line a call: NAME TAB PATH TAB NUMBER TAB HEX
 *
 * Orders come as files that are opened and never exist:
 *   /postern-files/there       EEXIST when this library is loaded
 *   /postern-files/fail/K/N    from now on the N-th call that K applies to fails, once
 *   /postern-files/off         ends that: EEXIST when it has happened
 *   /postern-files/mark/TEXT   puts TEXT on record
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#define FDS 4096
#define ORDERS "/postern-files/"

enum { OPEN = 1, READ = 2, WRITE = 4, SYNC = 8, NAME = 16, SIZE = 32 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *path_of[FDS];
static int record_fd = -2;
static char fault;
static int left;
static int happened;

#define REAL(name, type) \
  static type real; \
  if (real == NULL) real = (type)dlsym(RTLD_NEXT, name)

typedef int (*open_call)(const char *, int, ...);
typedef int (*int_call)(int);
typedef ssize_t (*pwrite_call)(int, const void *, size_t, off64_t);
typedef ssize_t (*pread_call)(int, void *, size_t, off64_t);
typedef ssize_t (*write_call)(int, const void *, size_t);
typedef ssize_t (*read_call)(int, void *, size_t);
typedef int (*truncate_call)(int, off64_t);
typedef int (*path_call)(const char *);
typedef int (*mkdir_call)(const char *, mode_t);
typedef int (*rename_call)(const char *, const char *);

static int watched(const char *path) {
  const char *folder = getenv("POSTERN_WATCH");
  return folder != NULL && path != NULL && strncmp(path, folder, strlen(folder)) == 0;
}

static const char *known(int fd) { return fd >= 0 && fd < FDS ? path_of[fd] : NULL; }

static int open_really(const char *path, int flags, mode_t mode) {
  REAL("open64", open_call);
  return real(path, flags, mode);
}

static void put(const char *bytes, size_t count) {
  REAL("write", write_call);
  while (count > 0) {
    ssize_t done = real(record_fd, bytes, count);
    if (done <= 0) abort();
    bytes += done;
    count -= (size_t)done;
  }
}

static void record(const char *name, const char *path, long long number, const void *data, size_t count) {
  if (record_fd == -2) {
    const char *file = getenv("POSTERN_RECORD");
    record_fd = file == NULL ? -1 : open_really(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  if (record_fd < 0) return;
  size_t room = strlen(name) + strlen(path) + 64 + 2 * count;
  char *line = malloc(room);
  int used = snprintf(line, room, "%s\t%s\t%lld\t", name, path, number);
  for (size_t at = 0; at < count; at++) used += sprintf(line + used, "%02x", ((const unsigned char *)data)[at]);
  line[used++] = '\n';
  put(line, (size_t)used);
  free(line);
}

/* Whether a fault is due at a call of this kind. 1: it fails, errno is set. 2: it writes half. */
static int due(int kind) {
  int applies = 0, number = 0;
  switch (fault) {
    case 'N': applies = WRITE | SIZE, number = ENOSPC; break;
    case 'I': applies = READ | WRITE | SYNC | SIZE, number = EIO; break;
    case 'M': applies = OPEN, number = EMFILE; break;
    case 'A': applies = OPEN | NAME, number = EACCES; break;
    case 'S': applies = WRITE; break;
    default: return 0;
  }
  if ((applies & kind) == 0) return 0;
  left -= 1;
  if (left != 0) return 0;
  happened = 1;
  errno = number;
  return fault == 'S' ? 2 : 1;
}

static int obey(const char *order) {
  errno = ENOENT;
  if (strcmp(order, "there") == 0) errno = EEXIST;
  else if (strcmp(order, "off") == 0) {
    if (happened) errno = EEXIST;
    fault = 0;
  } else if (strncmp(order, "fail/", 5) == 0) {
    left = atoi(order + 7);
    happened = 0;
    fault = order[5];
  } else if (strncmp(order, "mark/", 5) == 0) {
    record("mark", order + 5, 0, NULL, 0);
    errno = ENOENT;
  }
  return -1;
}

static int opened(const char *path, int flags, mode_t mode) {
  if (strncmp(path, ORDERS, strlen(ORDERS)) == 0) {
    pthread_mutex_lock(&lock);
    int answer = obey(path + strlen(ORDERS));
    pthread_mutex_unlock(&lock);
    return answer;
  }
  if (!watched(path)) return open_really(path, flags, mode);
  pthread_mutex_lock(&lock);
  int fd = -1;
  if (!due(OPEN)) {
    int is_new = (flags & O_CREAT) != 0 && access(path, F_OK) != 0;
    fd = open_really(path, flags, mode);
    if (fd >= 0 && fd < FDS) path_of[fd] = strdup(path);
    int saved = errno;
    if (fd >= 0 && is_new) record("create", path, 0, NULL, 0);
    if (fd >= 0 && (flags & O_TRUNC) != 0) record("size", path, 0, NULL, 0);
    errno = saved;
  }
  pthread_mutex_unlock(&lock);
  return fd;
}

#define MODE() \
  mode_t mode = 0; \
  if ((flags & O_CREAT) != 0) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); }

int open(const char *path, int flags, ...) { MODE(); return opened(path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(); return opened(path, flags, mode); }

int close(int fd) {
  REAL("close", int_call);
  if (known(fd) != NULL) {
    pthread_mutex_lock(&lock);
    free(path_of[fd]);
    path_of[fd] = NULL;
    pthread_mutex_unlock(&lock);
  }
  return real(fd);
}

ssize_t pwrite64(int fd, const void *data, size_t count, off64_t offset) {
  REAL("pwrite64", pwrite_call);
  if (known(fd) == NULL) return real(fd, data, count, offset);
  pthread_mutex_lock(&lock);
  int how = due(WRITE);
  if (how == 2) count = (count + 1) / 2;
  ssize_t done = how == 1 ? -1 : real(fd, data, count, offset);
  if (done > 0) record("write", known(fd), offset, data, (size_t)done);
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *data, size_t count, off_t offset) { return pwrite64(fd, data, count, offset); }

ssize_t write(int fd, const void *data, size_t count) {
  REAL("write", write_call);
  if (known(fd) == NULL) return real(fd, data, count);
  off64_t at = lseek64(fd, 0, SEEK_CUR);
  ssize_t done = pwrite64(fd, data, count, at);
  if (done > 0) lseek64(fd, at + done, SEEK_SET);
  return done;
}

ssize_t pread64(int fd, void *data, size_t count, off64_t offset) {
  REAL("pread64", pread_call);
  if (known(fd) == NULL) return real(fd, data, count, offset);
  pthread_mutex_lock(&lock);
  int how = due(READ);
  pthread_mutex_unlock(&lock);
  return how == 1 ? -1 : real(fd, data, count, offset);
}
ssize_t pread(int fd, void *data, size_t count, off_t offset) { return pread64(fd, data, count, offset); }

int ftruncate64(int fd, off64_t size) {
  REAL("ftruncate64", truncate_call);
  if (known(fd) == NULL) return real(fd, size);
  pthread_mutex_lock(&lock);
  int done = due(SIZE) ? -1 : real(fd, size);
  if (done == 0) record("size", known(fd), size, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* The disk need not really be waited for: a loss of power is played, on what was recorded. */
static int synced(int fd, int_call real) {
  if (known(fd) == NULL) return real(fd);
  pthread_mutex_lock(&lock);
  int done = due(SYNC) ? -1 : 0;
  if (done == 0) record("sync", known(fd), 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}
int fsync(int fd) { REAL("fsync", int_call); return synced(fd, real); }
int fdatasync(int fd) { REAL("fdatasync", int_call); return synced(fd, real); }

int unlink(const char *path) {
  REAL("unlink", path_call);
  if (!watched(path)) return real(path);
  pthread_mutex_lock(&lock);
  int done = due(NAME) ? -1 : real(path);
  if (done == 0) record("remove", path, 0, NULL, 0);
  pthread_mutex_unlock(&lock);
  return done;
}

int mkdir(const char *path, mode_t mode) {
  REAL("mkdir", mkdir_call);
  if (!watched(path)) return real(path, mode);
  pthread_mutex_lock(&lock);
  int done = due(NAME) ? -1 : real(path, mode);
  int saved = errno;
  if (done == 0) record("folder", path, 0, NULL, 0);
  errno = saved;
  pthread_mutex_unlock(&lock);
  return done;
}

/* Nothing of ours renames there: should that change, the record would no longer say all. */
int rename(const char *from, const char *to) {
  REAL("rename", rename_call);
  if (watched(from) || watched(to)) abort();
  return real(from, to);
}
