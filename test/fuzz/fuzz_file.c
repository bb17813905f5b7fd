#include "fuzz_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../native/ring/crc32c.h"

kg__names fuzz_names;

/* --- The directory -------------------------------------------------------- */

static bool is_ours; /* to remove */

static void remove_dir(void) {
  fuzz_clear();
  rmdir(fuzz_dir());
}

const char *fuzz_dir(void) {
  static char dir[256];
  if (dir[0] == '\0') {
    const char *given = getenv("KG_FUZZ_DIR");
    snprintf(dir, sizeof dir, "%s",
             given == NULL ? "/dev/shm/kg-fuzz-XXXXXX" : given);
    is_ours = given == NULL;
    CHECK(!is_ours || mkdtemp(dir) != NULL);
  }
  return dir;
}

const char *fuzz_path(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", fuzz_dir(), name);
  return path;
}

void fuzz_clear(void) {
  DIR *stream = opendir(fuzz_dir());
  CHECK(stream != NULL);
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
        unlinkat(dirfd(stream), entry->d_name, 0) != 0) {
      unlinkat(dirfd(stream), entry->d_name, AT_REMOVEDIR);
    }
  }
  closedir(stream);
}

int fuzz_lowest_descriptor(void) {
  int fd = dup(STDERR_FILENO);
  CHECK(fd >= 0);
  close(fd);
  return fd;
}

void fuzz_check_failure(int result, const kg_failure *failure) {
  CHECK(result < 0);
  CHECK_EQUAL(failure->error, result);
  CHECK(strcmp(kg_error_code(result), "ERR_UNKNOWN") != 0);
  size_t length = strnlen(failure->detail, sizeof failure->detail);
  CHECK(length > 0 && length < sizeof failure->detail);
}

/* --- What files are made from --------------------------------------------- */

static const uint32_t histories[] = {0, 5, 40};
#define HISTORIES (sizeof histories / sizeof *histories)

static struct {
  unsigned char *bytes;
  size_t length;
  uint64_t events;
  uint64_t generation;
} rings[2 * HISTORIES];
#define RINGS (sizeof rings / sizeof *rings)

static void keep_ring(size_t index) {
  kg_ring_options options = {.dir = fuzz_dir(), .max_events = FUZZ_CAPACITY};
  options.priority_events = FUZZ_LANE;
  kg_writer *writer;
  kg_ring_info info;
  kg_failure failure;
  made_threat made;
  uint64_t events = histories[index / 2];
  options.no_checksums = index % 2 == 1;
  fuzz_clear();
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  for (uint64_t sequence = 1; sequence <= events; sequence++) {
    make_threat(&made, sequence, span_of(sequence, 4));
    CHECK_RESULT(kg_writer_write(writer, &made.threat), (int64_t)sequence,
                 NULL);
  }
  kg_writer_info(writer, &info);
  kg_writer_close(writer);
  rings[index].events = events;
  rings[index].generation = info.generation;
  rings[index].length = (size_t)info.file_bytes;
  rings[index].bytes = malloc(rings[index].length);
  int fd = open(fuzz_path(fuzz_names.ring), O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0 && rings[index].bytes != NULL);
  CHECK_EQUAL(read(fd, rings[index].bytes, rings[index].length),
              rings[index].length);
  close(fd);
}

void fuzz_file_begin(void) {
  critical_every = 3;
  CHECK_RESULT(kg__names_make(NULL, &fuzz_names, NULL), KG_OK, NULL);
  fuzz_dir();
  if (is_ours) {
    atexit(remove_dir);
  }
  for (size_t i = 0; i < RINGS; i++) {
    keep_ring(i);
  }
}

/* --- A file --------------------------------------------------------------- */

/* The identity's fields: where, and how many bytes. */
static const size_t fields[][2] = {
    {offsetof(kg_ring_identity, magic), 4},
    {offsetof(kg_ring_identity, version), 4},
    {offsetof(kg_ring_identity, byte_order), 4},
    {offsetof(kg_ring_identity, slot_bytes), 4},
    {offsetof(kg_ring_identity, event_bytes), 4},
    {offsetof(kg_ring_identity, capacity), 4},
    {offsetof(kg_ring_identity, flags), 4},
    {offsetof(kg_ring_identity, file_bytes), 8},
    {offsetof(kg_ring_identity, doorbell_offset), 8},
    {offsetof(kg_ring_identity, slots_offset), 8},
    {offsetof(kg_ring_identity, generation), 8},
    {offsetof(kg_ring_identity, predecessor_generation), 8},
    {offsetof(kg_ring_identity, predecessor_sequence), 8},
    {offsetof(kg_ring_identity, created_us), 8},
    {offsetof(kg_ring_identity, lane_offset), 8},
    {offsetof(kg_ring_identity, priority_events), 4},
    {offsetof(kg_ring_identity, predecessor_priority), 4},
    {offsetof(kg_ring_identity, checksum), 4}};

static void change_identity(unsigned char *bytes, fuzz_input *in) {
  kg_ring_identity *identity = (kg_ring_identity *)(void *)bytes;
  const size_t *field = fields[fuzz_below(in, sizeof fields / sizeof *fields)];
  uint64_t value = 0;
  memcpy(&value, bytes + field[0], field[1]);
  uint32_t how = fuzz_below(in, 4);
  /* Powers of two, too: capacities. */
  value = how == 0   ? value << (1 + fuzz_below(in, 20))
          : how == 1 ? value >> (1 + fuzz_below(in, 20))
                     : fuzz_near(in, value);
  memcpy(bytes + field[0], &value, field[1]);
  if (fuzz_below(in, 8) != 7) {
    identity->checksum = 0;
    identity->checksum = kg__crc32c(identity, sizeof *identity);
  }
}

/* Not the core's kg__segment_map of a reader: this mapping is for writing, and
 * its file is opened and closed here. */
static void map_file(fuzz_file *file) {
  struct stat info;
  CHECK(fstat(file->fd, &info) == 0);
  kg__file opened = {.handle = file->fd,
                     .device = (uint64_t)info.st_dev,
                     .inode = (uint64_t)info.st_ino};
  file->segment = (kg__segment){.base = NULL};
  if (kg__segment_map(&opened, true, NULL, &file->segment, NULL) != KG_OK) {
    file->segment.base = NULL;
  }
}

/* Where a file that is a ring has its parts; the rest of it is zero. */
static void put_bytes(int fd, const unsigned char *bytes, size_t length) {
  const size_t parts[][2] = {{0, sizeof(kg_ring_header)},
                             {KG_SLOTS_OFFSET, length > KG_SLOTS_OFFSET
                                                   ? length - KG_SLOTS_OFFSET
                                                   : 0}};
  for (size_t i = 0; i < 2; i++) {
    CHECK_EQUAL(
        pwrite(fd, bytes + parts[i][0], parts[i][1], (off_t)parts[i][0]),
        parts[i][1]);
  }
}

void fuzz_file_make(fuzz_file *file, fuzz_input *in) {
  size_t which = fuzz_below(in, RINGS);
  unsigned char header[sizeof(kg_ring_header)];
  size_t length = rings[which].length;
  fuzz_clear();
  *file = (fuzz_file){.events = rings[which].events,
                      .generation = rings[which].generation,
                      .is_honest = true};
  file->fd = open(fuzz_path(fuzz_names.ring),
                  O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  /* Every block of it is allocated, as a writer does. */
  CHECK(file->fd >= 0 && posix_fallocate(file->fd, 0, (off_t)length) == 0);
  put_bytes(file->fd, rings[which].bytes, length);
  memcpy(header, rings[which].bytes, sizeof header);
  for (uint32_t some = fuzz_below(in, 8); some > 4; some--) {
    change_identity(header, in);
    file->is_honest = false;
  }
  CHECK_EQUAL(pwrite(file->fd, header, sizeof header, 0), sizeof header);
  map_file(file);
  for (uint32_t some = fuzz_below(in, 8); some > 2; some--) {
    fuzz_file_change(file, in);
  }
  if (fuzz_below(in, 8) == 7) {
    fuzz_file_cut(file, in);
  }
}

void fuzz_file_change(fuzz_file *file, fuzz_input *in) {
  const kg__ring *ring = &file->segment.ring;
  if (file->segment.base == NULL) {
    return;
  }
  uint64_t head = ring->header->head;
  fuzz_change(in, ring, head, ring->header->last_sequence);
  file->is_honest = false;
}

void fuzz_file_cut(fuzz_file *file, fuzz_input *in) {
  struct stat info;
  CHECK(fstat(file->fd, &info) == 0);
  uint64_t length = fuzz_below(in, 2) == 0
                        ? fuzz_near(in, (uint64_t)info.st_size)
                        : (uint64_t)fuzz_u8(in) * 1024;
  /* No more than what a few rings take: the file is in memory. */
  CHECK(ftruncate(file->fd, (off_t)(length % (UINT32_C(1) << 20))) == 0);
  file->is_honest = false;
  file->is_cut = true;
}

void fuzz_file_end(fuzz_file *file) {
  if (file->segment.base != NULL) {
    kg__segment_close(&file->segment);
  } else {
    close(file->fd);
  }
  file->fd = -1;
}

void fuzz_spoil_other(fuzz_input *in) {
  const char *const names[] = {fuzz_names.ring, fuzz_names.lock,
                               fuzz_names.wake_file, fuzz_names.readers,
                               fuzz_names.space_file};
  const char *path =
      fuzz_path(names[fuzz_below(in, sizeof names / sizeof *names)]);
  uint8_t bytes[8];
  int fd;
  switch (fuzz_below(in, 3)) {
  case 0:
    unlink(path);
    break;
  case 1:
    /* Nothing, or something odd, may be there instead. */
    if (truncate(path, fuzz_u8(in)) != 0) {
      return;
    }
    break;
  default:
    fd = open(path, O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0600);
    for (size_t i = 0; i < sizeof bytes; i++) {
      bytes[i] = fuzz_u8(in);
    }
    if (fd >= 0) {
      CHECK_EQUAL(pwrite(fd, bytes, sizeof bytes, 0), sizeof bytes);
      close(fd);
    }
  }
}
