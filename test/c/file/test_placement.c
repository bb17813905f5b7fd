/* In which pages a ring is: what the options say, and what is told of it. What
 * needs a machine that is set up for it is in ../../root. */
#include <stdio.h>
#include <string.h>

#include "../file_fixture.h"

/* Opens both ends; they must do the same. */
static int open_both(const kg_ring_options *options, kg_failure *failure) {
  kg_reader *reader;
  kg_writer *writer;
  int result = kg_writer_open(options, &writer, failure);
  if (result == KG_OK) {
    CHECK_RESULT(kg_reader_open(options, &reader, failure), KG_OK, failure);
    kg_reader_close(reader);
    kg_writer_close(writer);
  } else {
    kg_failure other;
    kg_writer_close(open_writer(options->dir, 16));
    CHECK_RESULT(kg_reader_open(options, &reader, &other), result, &other);
  }
  return result;
}

TEST(unknown, "pages that there are not: KG_E_INVALID_OPTION at both ends") {
  kg_failure failure;
  kg_ring_options options = {.struct_size = sizeof options,
                             .dir = check_temp_dir(),
                             .huge_pages = KG_HUGE_OFF + 1};
  CHECK_RESULT(open_both(&options, &failure), KG_E_INVALID_OPTION, &failure);
  CHECK_CONTAINS(failure.detail, "KG_HUGE_REQUIRE");
}

TEST(require, "all of a ring is in huge pages, or that is refused") {
  kg_failure failure;
  kg_ring_options options = {.struct_size = sizeof options,
                             .dir = check_temp_dir(),
                             .huge_pages = KG_HUGE_REQUIRE};
  int result = open_both(&options, &failure);
  if (result == KG_OK) {
    kg_memory memory;
    kg_writer *writer;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
    CHECK_RESULT(kg_writer_memory(writer, &memory, &failure), KG_OK, &failure);
    CHECK_EQUAL(memory.huge, writer_info(writer).file_bytes);
    kg_writer_close(writer);
  } else {
    CHECK_RESULT(result, KG_E_HUGE_PAGES, &failure);
    CHECK(strlen(failure.detail) > 0);
    CHECK_EQUAL(count_unnamed(options.dir), 0);
  }
}

TEST(node, "a node that there is not: KG_E_NUMA_NODE, which readers ignore") {
  kg_failure failure;
  kg_writer *writer;
  kg_reader *reader;
  kg_ring_options options = {.struct_size = sizeof options,
                             .dir = check_temp_dir(),
                             .numa_node = KG_NUMA_NODE(5000)};
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_E_NUMA_NODE,
               &failure);
  CHECK(!has_ring(options.dir));
  writer = open_writer(options.dir, 16);
  CHECK_RESULT(kg_reader_open(&options, &reader, &failure), KG_OK, &failure);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

TEST(most, "max_bytes counts whole pages, however large those are") {
  kg_failure failure;
  kg_writer *writer;
  kg_ring_options options = {.struct_size = sizeof options,
                             .dir = check_temp_dir(),
                             .max_events = 16,
                             .max_bytes = 1 << 20,
                             .huge_pages = KG_HUGE_REQUIRE};
  int result = kg_writer_open(&options, &writer, &failure);
  /* On a machine that has none, that is said first. */
  if (result != KG_E_HUGE_PAGES) {
    CHECK_RESULT(result, KG_E_INVALID_OPTION, &failure);
    CHECK_CONTAINS(failure.detail, "max_bytes is 1048576 bytes");
    CHECK_CONTAINS(failure.detail, "whole huge pages");
  }
  CHECK(!has_ring(options.dir));
}

TEST(told, "what the kernel tells is about all of the ring, at both ends") {
  const char *dir = check_temp_dir();
  kg_failure failure;
  kg_memory memory;
  kg_writer *writer = open_writer(dir, 1000);
  kg_reader *reader = open_reader(dir);
  int result = kg_writer_memory(writer, &memory, &failure);
  CHECK_RESULT(kg_reader_memory(reader, &memory, &failure), result, &failure);
  if (result == KG_OK) {
    CHECK_EQUAL(memory.resident, writer_info(writer).file_bytes);
    CHECK_EQUAL(memory.huge, 0);
    CHECK_EQUAL(memory.page_bytes % 4096, 0);
    uint64_t on_nodes = 0;
    for (uint32_t i = 0; i < memory.nodes; i++) {
      on_nodes += memory.node[i];
    }
    CHECK_EQUAL(on_nodes, memory.nodes == 0 ? 0 : memory.resident);
  } else {
    CHECK_RESULT(result, KG_E_SYSTEM, &failure);
  }
  CHECK_RESULT(kg_writer_memory(NULL, &memory, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_RESULT(kg_writer_memory(writer, NULL, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_RESULT(kg_reader_memory(NULL, &memory, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  CHECK_RESULT(kg_reader_memory(reader, NULL, &failure), KG_E_INVALID_ARGUMENT,
               &failure);
  kg_reader_close(reader);
  kg_writer_close(writer);
}

#if SYSTEM_FORKS
TEST(forked, "F42 a child has no mapping to be told of") {
  const char *dir = check_temp_dir();
  kg_writer *writer = open_writer(dir, 16);
  kg_reader *reader = open_reader(dir);
  system_process child = check_fork();
  if (child == 0) {
    kg_memory memory;
    kg_failure failure;
    check_own_dirs();
    CHECK_RESULT(kg_writer_memory(writer, &memory, &failure), KG_E_FORKED,
                 &failure);
    CHECK_RESULT(kg_reader_memory(reader, &memory, &failure), KG_E_FORKED,
                 &failure);
    check_done();
  }
  CHECK_EXIT(child);
  kg_reader_close(reader);
  kg_writer_close(writer);
}
#endif

TEST(off, "off: small pages, also where others are the rule") {
  kg_failure failure;
  kg_memory memory;
  kg_writer *writer;
  kg_ring_options options = {.struct_size = sizeof options,
                             .dir = check_temp_dir(),
                             .max_events = 1 << 15,
                             .huge_pages = KG_HUGE_OFF};
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  if (kg_writer_memory(writer, &memory, &failure) == KG_OK) {
    CHECK_EQUAL(memory.huge, 0);
  }
  kg_writer_close(writer);
}
