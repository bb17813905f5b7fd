/* A library that forks and signals call is never taken out of memory. The
 * linker puts __wrap_dlopen in front of the system's. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../native/platform/platform.h"
#include "../file_fixture.h"

void *__wrap_dlopen(const char *path, int flags);

static char opened[KG_PATH_BYTES];
static int opened_with;
static int times;

void *__wrap_dlopen(const char *path, int flags) {
  snprintf(opened, sizeof opened, "%s", path);
  opened_with = flags;
  times++;
  return NULL;
}

TEST(stays, "F45 the library stays in memory from its first lock on") {
  char program[KG_PATH_BYTES] = "";
  char real[KG_PATH_BYTES];
  CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
  kg_writer *writer = open_writer(check_temp_dir(), 16);
  CHECK_EQUAL(times, 1);
  CHECK(realpath(opened, real) != NULL);
  CHECK(strcmp(real, program) == 0);
  CHECK((opened_with & RTLD_NODELETE) != 0);
  /* It is there, and is not to be loaded a second time. */
  CHECK((opened_with & RTLD_NOLOAD) != 0);
  kg_writer_close(writer);
  writer = open_writer(check_temp_dir(), 16);
  CHECK_EQUAL(times, 1);
  kg_writer_close(writer);
}
