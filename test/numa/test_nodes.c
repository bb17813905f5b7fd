/* Rings on a machine with two NUMA nodes, which init.c has set up: a tmpfs of
 * small pages, one that gives huge pages by advice, and a hugetlbfs with four
 * pages on each node. */
#include <stdio.h>
#include <string.h>

#include "../c/file_fixture.h"

#define HUGE ((uint64_t)2 << 20)

typedef struct place {
  const char *dir;
  uint32_t huge_pages;
  uint64_t unit; /* what is put on one node as a whole */
} place;

static const place places[] = {{"/small", KG_HUGE_AUTO, 4096},
                               {"/advise", KG_HUGE_REQUIRE, HUGE},
                               {"/huge", KG_HUGE_AUTO, HUGE}};
#define PLACES (sizeof places / sizeof *places)

static kg_ring_options options_of(const place *place, uint32_t node) {
  return (kg_ring_options){.struct_size = sizeof(kg_ring_options),
                           .dir = place->dir,
                           .max_events = 1000,
                           .huge_pages = place->huge_pages,
                           .numa_node = node};
}

static kg_writer *open_on(const place *place, uint32_t node) {
  const kg_ring_options options = options_of(place, node);
  kg_failure failure;
  kg_writer *writer = NULL;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  return writer;
}

static kg_memory memory_of(const kg_writer *writer) {
  kg_memory memory;
  kg_failure failure;
  CHECK_RESULT(kg_writer_memory(writer, &memory, &failure), KG_OK, &failure);
  CHECK_EQUAL(memory.nodes, 2);
  CHECK_EQUAL(memory.resident, writer_info(writer).file_bytes);
  CHECK_EQUAL(memory.node[0] + memory.node[1], memory.resident);
  return memory;
}

/* The next test is to make its rings itself. */
static void close_and_remove(kg_writer *writer) {
  kg_ring_info info = writer_info(writer);
  kg_writer_close(writer);
  remove(info.path);
}

TEST(each, "a ring is on the node that was asked for, in pages of each kind") {
  for (size_t i = 0; i < PLACES; i++) {
    for (uint32_t node = 0; node < 2; node++) {
      kg_writer *writer = open_on(&places[i], KG_NUMA_NODE(node));
      kg_memory memory = memory_of(writer);
      CHECK_EQUAL(memory.node[node], memory.resident);
      CHECK_EQUAL(memory.huge, places[i].unit == HUGE ? memory.resident : 0);
      close_and_remove(writer);
    }
  }
}

TEST(interleaved, "interleave: a page on the one, the next on the other") {
  for (size_t i = 0; i < PLACES; i++) {
    kg_writer *writer = open_on(&places[i], KG_NUMA_INTERLEAVE);
    kg_memory memory = memory_of(writer);
    uint64_t more = memory.node[0] > memory.node[1]
                        ? memory.node[0] - memory.node[1]
                        : memory.node[1] - memory.node[0];
    CHECK(memory.node[0] > 0 && memory.node[1] > 0);
    CHECK(more <= places[i].unit);
    close_and_remove(writer);
  }
}

/* Reads all of the ring in `dir`, which number `number` says where to be. */
CHILD(read_on, dir, node) {
  kg_memory memory;
  kg_failure failure;
  kg_reader *reader = open_reader(dir);
  account account = {0};
  CHECK_RESULT(kg_reader_seek(reader, KG_FROM_OLDEST, 0), KG_OK, NULL);
  drain_file(reader, &account);
  CHECK_EQUAL(account.received, 100);
  CHECK_RESULT(kg_reader_memory(reader, &memory, &failure), KG_OK, &failure);
  CHECK_EQUAL(memory.node[node], memory.resident);
  kg_reader_close(reader);
}

TEST(shared, "the file keeps it for readers, who ask for nothing") {
  for (size_t i = 0; i < PLACES; i++) {
    for (uint32_t node = 0; node < 2; node++) {
      kg_writer *writer = open_on(&places[i], KG_NUMA_NODE(node));
      write_events(writer, 100);
      CHECK_EXIT(CHECK_START(read_on, places[i].dir, node));
      close_and_remove(writer);
    }
  }
}

TEST(moved, "the next writer moves a ring that is there, with what it holds") {
  for (size_t i = 0; i < PLACES; i++) {
    kg_writer *writer = open_on(&places[i], KG_NUMA_NODE(0));
    uint64_t generation = writer_info(writer).generation;
    write_events(writer, 100);
    kg_writer_close(writer);
    writer = open_on(&places[i], KG_NUMA_NODE(1));
    CHECK_EQUAL(writer_info(writer).generation, generation);
    kg_memory memory = memory_of(writer);
    CHECK_EQUAL(memory.node[1], memory.resident);
    CHECK_EXIT(CHECK_START(read_on, places[i].dir, 1));
    close_and_remove(writer);
  }
}

TEST(full, "a node with too few pages: the others, and that is told") {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = "/huge",
                                   .max_events = 16384,
                                   .numa_node = KG_NUMA_NODE(1)};
  kg_failure failure;
  kg_writer *writer;
  CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_OK, &failure);
  kg_memory memory = memory_of(writer);
  CHECK_EQUAL(memory.node[1], 4 * HUGE);
  CHECK_EQUAL(memory.node[0], 2 * HUGE);
  close_and_remove(writer);
}

TEST(missing, "a node that this machine has not is refused") {
  for (size_t i = 0; i < PLACES; i++) {
    const kg_ring_options options = options_of(&places[i], KG_NUMA_NODE(2));
    kg_failure failure;
    kg_writer *writer;
    CHECK_RESULT(kg_writer_open(&options, &writer, &failure), KG_E_NUMA_NODE,
                 &failure);
    CHECK_CONTAINS(failure.detail, "no node 2 with memory, but 0-1");
    CHECK(!has_ring(places[i].dir));
  }
}
