/* NUMA nodes by the kernel's own calls: libnuma would be one more library to
 * carry along for one call. */
#include "linux_numa.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/mempolicy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "posix.h"

/* Nodes that a kernel can be built for, at the most. */
#define MOST_NODES 1024
#define LONG_BITS (8 * (unsigned)sizeof(unsigned long))

typedef struct node_set {
  unsigned long bits[MOST_NODES / LONG_BITS];
  unsigned count;
  char text[128]; /* for messages: "0-1" */
} node_set;

static void add_node(node_set *set, unsigned node) {
  if (node < MOST_NODES) {
    set->bits[node / LONG_BITS] |= 1UL << (node % LONG_BITS);
    set->count++;
  }
}

static bool has_node(const node_set *set, unsigned node) {
  return node < MOST_NODES &&
         (set->bits[node / LONG_BITS] >> (node % LONG_BITS) & 1) != 0;
}

/* The nodes with memory, from a list such as "0-1,4". A kernel without NUMA has
 * none, as if there were one. */
static void read_nodes(node_set *set) {
  memset(set, 0, sizeof *set);
  kg__posix_read_text("/sys/devices/system/node/has_memory", set->text,
                      sizeof set->text);
  set->text[strcspn(set->text, "\n")] = '\0';
  for (char *at = set->text; *at >= '0' && *at <= '9';) {
    unsigned long first = strtoul(at, &at, 10);
    unsigned long last = *at == '-' ? strtoul(at + 1, &at, 10) : first;
    for (unsigned long i = first; i <= last && i < MOST_NODES; i++) {
      add_node(set, (unsigned)i);
    }
    at += *at == ',';
  }
}

int kg__numa_check(uint32_t node, kg_failure *failure) {
  node_set set;
  if (node == 0) {
    return KG_OK;
  }
  read_nodes(&set);
  if (set.count <= 1) {
    return kg__fail(failure, KG_E_NUMA_NODE, 0,
                    "this machine has one node with memory, so there is "
                    "nothing to choose: leave the node out");
  }
  if (node != KG_NUMA_INTERLEAVE && !has_node(&set, node - 1)) {
    return kg__fail(failure, KG_E_NUMA_NODE, 0,
                    "there is no node %" PRIu32 " with memory, but %s",
                    node - 1, set.text);
  }
  return KG_OK;
}

int kg__numa_bind(void *base, size_t length, uint32_t node,
                  kg_failure *failure) {
  node_set set;
  if (node == 0) {
    return KG_OK;
  }
  read_nodes(&set);
  if (node != KG_NUMA_INTERLEAVE) {
    memset(set.bits, 0, sizeof set.bits);
    add_node(&set, node - 1);
  }
  /* Preferred, not bound: where the node is full, the kernel would end some
   * process of it to make space for a bound ring. */
  unsigned long mode =
      node == KG_NUMA_INTERLEAVE ? MPOL_INTERLEAVE : MPOL_PREFERRED;
  unsigned long most = MOST_NODES + 1;
  unsigned long flags = MPOL_MF_MOVE;
  if (syscall(SYS_mbind, base, length, mode, set.bits, most, flags) == 0) {
    return KG_OK;
  }
  return kg__fail(failure, KG_E_NUMA_NODE, errno, "mbind: %s%s",
                  strerror(errno),
                  errno == EPERM ? " (a container needs CAP_SYS_NICE or a "
                                   "seccomp profile that allows mbind)"
                                 : "");
}

/* Adds what a line of /proc/self/numa_maps tells of a mapping: words such as
 * N0=12, in pages of kernelpagesize_kB. */
static void add_line(char *line, kg_memory *memory) {
  uint64_t pages[KG_MEMORY_NODES] = {0};
  uint64_t page_bytes = 0;
  char *rest = NULL;
  for (char *word = strtok_r(line, " \n", &rest); word != NULL;
       word = strtok_r(NULL, " \n", &rest)) {
    unsigned node;
    uint64_t number;
    if (sscanf(word, "N%u=%" SCNu64, &node, &number) == 2 &&
        node < KG_MEMORY_NODES) {
      pages[node] = number;
    } else if (sscanf(word, "kernelpagesize_kB=%" SCNu64, &number) == 1) {
      page_bytes = number * 1024;
    }
  }
  for (unsigned i = 0; i < KG_MEMORY_NODES; i++) {
    memory->node[i] += pages[i] * page_bytes;
  }
}

void kg__numa_look(uint64_t from, uint64_t to, kg_memory *memory) {
  node_set set;
  char *line = NULL;
  size_t room = 0;
  FILE *file = fopen("/proc/self/numa_maps", "re");
  if (file == NULL) {
    return;
  }
  read_nodes(&set);
  for (unsigned i = 0; i < KG_MEMORY_NODES; i++) {
    memory->nodes = has_node(&set, i) ? i + 1 : memory->nodes;
  }
  while (getline(&line, &room, file) > 0) {
    uint64_t begin = strtoull(line, NULL, 16);
    if (begin >= from && begin < to) {
      add_line(line, memory);
    }
  }
  free(line);
  fclose(file);
}
