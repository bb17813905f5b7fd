#include "file_fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#if SYSTEM_HAS_MODES
#include <unistd.h>
#endif

kg_writer *open_writer(const char *dir, uint32_t max_events) {
  const kg_ring_options options = {.dir = dir, .max_events = max_events};
  kg_failure failure;
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  return writer;
}

kg_reader *open_reader(const char *dir) {
  const kg_ring_options options = {.dir = dir};
  kg_failure failure;
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
  return reader;
}

kg_failure refuse_writer(const char *dir, int error) {
  const kg_ring_options options = {.dir = dir, .max_events = 16};
  kg_failure failure = {.error = 0};
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), error, &failure);
  CHECK_EQUAL(failure.error, error);
  CHECK(strlen(failure.detail) > 0 && writer == NULL);
  return failure;
}

kg_failure refuse_reader(const char *dir, int error) {
  const kg_ring_options options = {.dir = dir};
  kg_failure failure = {.error = 0};
  kg_reader *reader = NULL;
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), error, &failure);
  CHECK_EQUAL(failure.error, error);
  CHECK(strlen(failure.detail) > 0 && reader == NULL);
  return failure;
}

uint64_t sequence_of(const kg_writer *writer) {
  kg_writer_stats stats;
  kg_writer_stats_get(writer, &stats);
  return stats.sequence;
}

kg_ring_info writer_info(const kg_writer *writer) {
  kg_ring_info info;
  kg_writer_info(writer, &info);
  return info;
}

kg_ring_info reader_info(const kg_reader *reader) {
  kg_ring_info info;
  kg_reader_info(reader, &info);
  return info;
}

uint64_t write_events(kg_writer *writer, uint32_t count) {
  made_threat made;
  uint64_t sequence = sequence_of(writer);
  while (count-- > 0) {
    sequence++;
    make_threat(&made, sequence, span_of(sequence, FILE_SPAN));
    CHECK_RESULT(kg_writer_write(writer, &made.threat), (int64_t)sequence,
                 NULL);
  }
  return sequence;
}

bool read_file_once(kg_reader *reader, account *account) {
  static kg_slot buffer[256];
  kg_batch batch;
  account->most = FILE_SPAN;
  CHECK_RESULT(kg_reader_read(reader, buffer, 256, &batch), KG_OK, NULL);
  CHECK_EQUAL(batch.slots_needed, 0);
  account_batch(account, buffer, &batch);
  return batch.more;
}

void drain_file(kg_reader *reader, account *account) {
  while (read_file_once(reader, account)) {
  }
}

uint64_t check_ring_from(const char *dir, uint64_t first) {
  kg_reader *reader = open_reader(dir);
  account account = {.next = first};
  kg_reader_stats stats;
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_SEQUENCE, first), KG_OK, NULL);
  drain_file(reader, &account);
  kg_reader_stats_get(reader, &stats);
  CHECK_EQUAL(stats.corrupt, 0);
  CHECK_EQUAL(account.reasons[KG_LOSS_CORRUPT], 0);
  kg_reader_close(reader);
  return account.next - 1;
}

void put_file(const char *path, const void *bytes, size_t length) {
  CHECK(system_put(path, bytes, length));
}

size_t get_file(const char *path, void *bytes, size_t room) {
  int64_t length = system_read(path, 0, bytes, room);
  CHECK(length >= 0);
  return (size_t)length;
}

bool has_ring(const char *dir) {
  char path[512];
  return system_find_ring(check_path(dir, RING_FILE), path, sizeof path);
}

int count_unnamed(const char *dir) {
  bool keeps_names = strcmp(KG__UNNAMED_SUFFIX, ".tmp") != 0;
  return check_count_files(dir, KG__UNNAMED_SUFFIX) -
         (keeps_names && has_ring(dir) ? 1 : 0);
}

const char *ring_file(const char *dir) {
  static char path[512];
  CHECK(system_find_ring(check_path(dir, RING_FILE), path, sizeof path));
  return path;
}

void poke_ring(const char *dir, size_t offset, const void *bytes,
               size_t length) {
  CHECK_EQUAL(system_write(ring_file(dir), offset, bytes, length), length);
}

void peek_ring(const char *dir, size_t offset, void *bytes, size_t length) {
  CHECK_EQUAL(system_read(ring_file(dir), offset, bytes, length), length);
}

kg_ring_doorbell *map_doorbell(const char *path) {
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  uint64_t bytes;
  void *mapped;
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_OK, &failure);
  CHECK_RESULT(kg__file_open(&dir, RING_FILE, &file, &failure), KG_OK,
               &failure);
  CHECK_RESULT(kg__file_size(&file, &bytes, &failure), KG_OK, &failure);
  CHECK_RESULT(kg__map(&file, (size_t)bytes, KG_DOORBELL_OFFSET,
                       KG_DOORBELL_BYTES, &mapped, &failure),
               KG_OK, &failure);
  kg__file_close(&file);
  kg__dir_close(&dir);
  return (kg_ring_doorbell *)((char *)mapped + KG_DOORBELL_OFFSET);
}

void unmap_doorbell(kg_ring_doorbell *doorbell) {
  char *base = (char *)doorbell - KG_DOORBELL_OFFSET;
  kg__unmap(base, (size_t)((kg_ring_identity *)(void *)base)->file_bytes);
}

kg__file replace_ring_file(const char *path) {
  static uint64_t made;
  char name[64];
  kg__dir dir;
  kg__file file;
  kg_failure failure;
  snprintf(name, sizeof name, RING_FILE ".%016" PRIx64 KG__UNNAMED_SUFFIX,
           ++made);
  CHECK_RESULT(kg__dir_open(path, false, &dir, &failure), KG_OK, &failure);
  CHECK_RESULT(kg__file_create(&dir, name, 4096, &file, &failure), KG_OK,
               &failure);
  CHECK_RESULT(kg__file_rename(&dir, name, RING_FILE, &failure), KG_OK,
               &failure);
  kg__dir_close(&dir);
  return file;
}

bool has_file(const char *dir, const char *name) {
  return system_exists(check_path(dir, name));
}

void remove_file(const char *dir, const char *name) {
  CHECK(system_remove_file(check_path(dir, name)));
}

void remove_opened(const char *dir, const char *name) {
  CHECK(system_remove_file(check_path(dir, name)) == SYSTEM_REMOVES_OPENED);
}

void rename_file(const char *dir, const char *from, const char *to) {
  CHECK(system_rename(check_path(dir, from), check_path(dir, to)));
}

void make_dir(const char *path) {
  CHECK(system_make_dir(path));
}

void write_alike(kg_writer *writer, int count, uint8_t severity) {
  const kg_threat threat = {.severity = severity};
  for (int i = 0; i < count; i++) {
    CHECK(kg_writer_write(writer, &threat) > 0);
  }
}

void renew_ring(kg_writer *writer, const char *dir) {
  kg_failure failure;
  CHECK(system_remove_file(check_path(dir, RING_FILE)));
  CHECK_RESULT(kg_writer_beat(writer, &failure), KG_OK, &failure);
}

kg_reader_stats stats_from(const kg_reader *reader) {
  kg_reader_stats stats;
  kg_reader_stats_get(reader, &stats);
  return stats;
}

void remove_dir(const char *path) {
  CHECK(system_remove_dir(path));
}

#if SYSTEM_HAS_MODES

static bool is_plain_child;

bool become_plain_user(void) {
  if (geteuid() != 0) {
    return true;
  }
  system_process child = check_fork();
  if (child != 0) {
    CHECK_EXIT(child);
    return false;
  }
  check_own_dirs();
  CHECK(setgid(65534) == 0 && setuid(65534) == 0);
  is_plain_child = true;
  return true;
}

void leave_plain_user(void) {
  if (is_plain_child) {
    check_done();
  }
}

#endif
