/* NUMA nodes on Linux. The linker puts __wrap_syscall and
 * __wrap_kg__posix_read_text in front of a kernel that has one node: which ones
 * there are, and what it says, is told here. What a kernel with two does, is
 * tested in ../../numa. */
#include <errno.h>
#include <linux/mempolicy.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "../file_fixture.h"

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);
void __real_kg__posix_read_text(const char *path, char *text, size_t bytes);
void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes);

static const char *nodes = "0-1,4\n";
static int refusal; /* the errno of the next calls; 0: none */
static int bound;   /* how many calls there were, and what the last one said */
static unsigned long asked_length;
static int asked_mode;
static unsigned long asked_nodes;

void __wrap_kg__posix_read_text(const char *path, char *text, size_t bytes) {
  if (strstr(path, "/node/") != NULL) {
    snprintf(text, bytes, "%s", nodes);
  } else {
    __real_kg__posix_read_text(path, text, bytes);
  }
}

long __wrap_syscall(long number, ...) {
  va_list list;
  long given[6];
  va_start(list, number);
  for (int i = 0; i < 6; i++) {
    given[i] = va_arg(list, long);
  }
  va_end(list);
  if (number != SYS_mbind) {
    return __real_syscall(number, given[0], given[1], given[2], given[3],
                          given[4], given[5]);
  }
  bound++;
  asked_length = (unsigned long)given[1];
  asked_mode = (int)given[2];
  asked_nodes = *(const unsigned long *)given[3];
  CHECK_EQUAL(given[4], 1025);
  CHECK_EQUAL(given[5], MPOL_MF_MOVE);
  errno = refusal;
  return refusal == 0 ? 0 : -1;
}

static int open_on(uint32_t node, const char *dir, kg_writer **writer,
                   kg_failure *failure) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = dir,
                                   .max_events = 16,
                                   .numa_node = node};
  return kg_writer_open(&options, writer, failure);
}

static void check_refused(uint32_t node, const char *part) {
  const char *dir = check_temp_dir();
  kg_failure failure;
  kg_writer *writer;
  CHECK_RESULT(open_on(node, dir, &writer, &failure), KG_E_NUMA_NODE, &failure);
  CHECK_CONTAINS(failure.detail, part);
  CHECK(!has_ring(dir) && count_unnamed(dir) == 0);
}

TEST(missing,
     "a node that there is not is refused, with those that there are") {
  const uint32_t missing[] = {2, 3, 5, 63, 64, 1023, 1024, UINT32_MAX - 2};
  for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
    char part[64];
    snprintf(part, sizeof part, "no node %u with memory, but 0-1,4",
             (unsigned)missing[i]);
    check_refused(KG_NUMA_NODE(missing[i]), part);
  }
  CHECK_EQUAL(bound, 0);
}

TEST(one, "a machine with one node, or none, has nothing to choose") {
  const char *const machines[] = {"0\n", "", "\n", "3\n", "nonsense"};
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
    nodes = machines[i];
    check_refused(KG_NUMA_NODE(0), "one node");
    check_refused(KG_NUMA_INTERLEAVE, "one node");
  }
  CHECK_EQUAL(bound, 0);
}

TEST(asked, "the kernel is asked for that node, and for all to interleave") {
  const struct {
    uint32_t node;
    int mode;
    unsigned long nodes;
  } cases[] = {{KG_NUMA_NODE(0), MPOL_PREFERRED, 1},
               {KG_NUMA_NODE(1), MPOL_PREFERRED, 2},
               {KG_NUMA_NODE(4), MPOL_PREFERRED, 16},
               {KG_NUMA_INTERLEAVE, MPOL_INTERLEAVE, 19}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    const char *dir = check_temp_dir();
    kg_failure failure;
    kg_writer *writer;
    bound = 0;
    CHECK_RESULT(open_on(cases[i].node, dir, &writer, &failure), KG_OK,
                 &failure);
    /* Before its pages are there, and of its mapping. */
    CHECK_EQUAL(bound, 2);
    CHECK_EQUAL(asked_mode, cases[i].mode);
    CHECK_EQUAL(asked_nodes, cases[i].nodes);
    CHECK_EQUAL(asked_length, writer_info(writer).file_bytes);
    kg_writer_close(writer);
    /* One that is there is moved, as far as that goes. */
    CHECK_RESULT(open_on(cases[i].node, dir, &writer, &failure), KG_OK,
                 &failure);
    CHECK_EQUAL(bound, 3);
    kg_writer_close(writer);
  }
}

TEST(none, "without the option nothing is asked") {
  kg_writer_close(open_writer(check_temp_dir(), 16));
  CHECK_EQUAL(bound, 0);
}

TEST(refused, "what the kernel refuses is said, and a container is named") {
  refusal = EPERM;
  check_refused(KG_NUMA_NODE(1), "seccomp");
  refusal = EINVAL;
  check_refused(KG_NUMA_NODE(1), "mbind: Invalid argument");
}

TEST(kept, "a ring that is there stays when its node is refused") {
  const char *dir = check_temp_dir();
  kg_failure failure;
  kg_writer *writer = open_writer(dir, 16);
  uint64_t generation = writer_info(writer).generation;
  kg_writer_close(writer);
  refusal = EPERM;
  CHECK_RESULT(open_on(KG_NUMA_NODE(1), dir, &writer, &failure), KG_E_NUMA_NODE,
               &failure);
  writer = open_writer(dir, 16);
  CHECK_EQUAL(writer_info(writer).generation, generation);
  kg_writer_close(writer);
}
