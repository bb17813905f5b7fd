/* Prints, as JSON, the public structs for languages that cannot read the
 * header: the size of each, and where its fields are and how large. For 64-bit
 * systems; they are the same on all that are supported. generate.js runs it. */
#include <stdio.h>

#include "../include/kg_ipc.h"

static_assert(sizeof(void *) == 8, "a 64-bit system");

static const char *separator = "";

static void begin(const char *name, size_t size) {
  printf("%s\"%s\": {\"size\": %zu, \"fields\": {", separator, name, size);
  separator = "";
}

static void field(const char *name, size_t offset, size_t size) {
  printf("%s\"%s\": [%zu, %zu]", separator, name, offset, size);
  separator = ", ";
}

static void end(void) {
  printf("}}\n");
  separator = ", ";
}

#define FIELD(type, name) \
  field(#name, offsetof(type, name), sizeof(((type *)0)->name))

int main(void) {
  printf("{");

#define F(name) FIELD(kg_text, name)
  begin("kg_text", sizeof(kg_text));
  F(bytes), F(length);
  end();
#undef F

#define F(name) FIELD(kg_threat, name)
  begin("kg_threat", sizeof(kg_threat));
  F(timestamp_us), F(threat_type), F(severity), F(blocked), F(source),
      F(details), F(id), F(context), F(deflated), F(sequence), F(publish_ns),
      F(cut), F(missing);
  end();
#undef F

#define F(name) FIELD(kg_failure, name)
  begin("kg_failure", sizeof(kg_failure));
  F(error), F(system_error), F(detail);
  end();
#undef F

#define F(name) FIELD(kg_ring_options, name)
  begin("kg_ring_options", sizeof(kg_ring_options));
  F(struct_size), F(dir), F(name), F(max_events), F(max_bytes), F(no_checksums),
      F(priority_severity), F(priority_events), F(predecessor_generation),
      F(predecessor_sequence), F(predecessor_priority), F(rejects),
      F(reader_timeout_ms), F(reliable), F(any_thread), F(checks),
      F(huge_pages), F(numa_node);
  end();
#undef F

#define F(name) FIELD(kg_memory, name)
  begin("kg_memory", sizeof(kg_memory));
  F(page_bytes), F(resident), F(huge), F(nodes), F(node);
  end();
#undef F

#define F(name) FIELD(kg_ring_info, name)
  begin("kg_ring_info", sizeof(kg_ring_info));
  F(generation), F(predecessor_generation), F(predecessor_sequence),
      F(predecessor_priority), F(file_bytes), F(capacity), F(priority_events),
      F(checksums), F(path);
  end();
#undef F

#define F(name) FIELD(kg_writer_stats, name)
  begin("kg_writer_stats", sizeof(kg_writer_stats));
  F(published), F(priority), F(bytes), F(bells), F(sequence), F(replaced),
      F(overwritten), F(rejected), F(wanted), F(evicted), F(refuses);
  end();
#undef F

#define F(name) FIELD(kg_attached_reader, name)
  begin("kg_attached_reader", sizeof(kg_attached_reader));
  F(cell), F(cursor), F(lag), F(evicted), F(alive);
  end();
#undef F

#define F(name) FIELD(kg_position, name)
  begin("kg_position", sizeof(kg_position));
  F(generation), F(next), F(priority);
  end();
#undef F

#define F(name) FIELD(kg_batch, name)
  begin("kg_batch", sizeof(kg_batch));
  F(loss_reason), F(lost), F(lost_from), F(lost_to), F(lost_priority), F(slots),
      F(events), F(slots_needed), F(more);
  end();
#undef F

#define F(name) FIELD(kg_reader_stats, name)
  begin("kg_reader_stats", sizeof(kg_reader_stats));
  F(received), F(lost), F(rescued), F(corrupt), F(bytes), F(sequence),
      F(expected), F(priority), F(published), F(writer_start_us), F(reliable);
  end();
#undef F

  printf("}\n");
  return 0;
}
