/* The fields of a continuation whose lengths are just right, and just not. */
#include <string.h>

#include "../fixture.h"

#define MOST_SLOTS 4

typedef struct written {
  kg_slot slots[MOST_SLOTS];
  char scratch[MOST_SLOTS * KG_EVENT_BYTES];
  kg_threat threat; /* as it was decoded */
} written;

/* An id of three bytes, then a context of so many. */
static void encode(written *w, uint32_t context) {
  char text[2 * KG_EVENT_BYTES];
  memset(text, 'c', sizeof text);
  const kg_threat threat = {.id = {"abc", 3}, .context = {text, context}};
  uint32_t span = kg__threat_span(&threat, MOST_SLOTS);
  CHECK(span >= 2 && span <= MOST_SLOTS);
  kg__threat_encode(&threat, w->slots, span);
  CHECK_EQUAL(w->slots[0].tail_bytes, 2 * KG_FIELD_HEADER_BYTES + 3 + context);
}

static int decode(written *w) {
  uint32_t offset = 0;
  int result = kg_event_decode(w->slots, &offset, w->scratch, &w->threat);
  CHECK_EQUAL(offset, w->slots[0].span);
  return result;
}

/* Where the length of the context stands. */
#define LENGTH_AT (KG_FIELD_HEADER_BYTES + 3 + 4)

TEST(lengths, "F11 a field that reaches a byte past its continuation") {
  const uint32_t contexts[] = {1, 100, KG_EVENT_BYTES - 19, KG_EVENT_BYTES};
  for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
    written w;
    encode(&w, contexts[i]);
    uint32_t all = w.slots[0].tail_bytes;
    for (uint32_t length = 0; length <= all + 1; length++) {
      memcpy(w.slots[1].body.tail + LENGTH_AT, &length, sizeof length);
      int result = decode(&w);
      CHECK_EQUAL(w.threat.id.length, 3);
      if (length <= contexts[i]) {
        /* What stands behind it may be another field's. */
        CHECK(w.threat.context.length <= contexts[i]);
      } else {
        CHECK_RESULT(result, KG_E_RING_CORRUPT, NULL);
        CHECK_EQUAL(w.threat.context.length, 0);
      }
      if (length == contexts[i]) {
        CHECK_RESULT(result, KG_OK, NULL);
        CHECK_EQUAL(w.threat.context.length, length);
      }
    }
  }
}

TEST(headers, "F11 a continuation that ends within a field's header") {
  written w;
  encode(&w, 5);
  uint32_t all = w.slots[0].tail_bytes;
  for (uint32_t more = 0; more <= KG_FIELD_HEADER_BYTES; more++) {
    /* Zeros are a field of a tag that nobody knows, without text. */
    w.slots[0].tail_bytes = all + more;
    CHECK_RESULT(decode(&w),
                 more == 0 || more == KG_FIELD_HEADER_BYTES ? KG_OK
                                                            : KG_E_RING_CORRUPT,
                 NULL);
    CHECK_EQUAL(w.threat.context.length, 5);
  }
}

TEST(tags, "a tag that is none of the four is passed over") {
  for (uint32_t tag = 0; tag < 256; tag++) {
    written w;
    encode(&w, 7);
    w.slots[1].body.tail[0] = (uint8_t)tag;
    CHECK_RESULT(decode(&w), KG_OK, NULL);
    CHECK_EQUAL(w.threat.id.length, tag == KG_FIELD_ID ? 3 : 0);
    CHECK_EQUAL(w.threat.source.length, tag == KG_FIELD_SOURCE ? 3 : 0);
    CHECK_EQUAL(w.threat.details.length, tag == KG_FIELD_DETAILS ? 3 : 0);
    CHECK_EQUAL(w.threat.context.length, 7);
  }
}

TEST(spans, "the span of a threat: texts and their headers, up to the limit") {
  static char text[MOST_SLOTS * KG_EVENT_BYTES];
  for (size_t length = 1; length <= sizeof text; length++) {
    const kg_threat threat = {.context = {text, length}};
    const kg_threat deflated = {.context = {text, 1},
                                .deflated = {text, length}};
    size_t bytes = length + KG_FIELD_HEADER_BYTES;
    size_t wanted = 1 + (bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES;
    CHECK_EQUAL(kg__threat_span(&threat, MOST_SLOTS),
                wanted <= MOST_SLOTS ? wanted : 0);
    wanted = 1 + (length + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES;
    CHECK_EQUAL(kg__threat_span(&deflated, MOST_SLOTS),
                wanted <= MOST_SLOTS ? wanted : 0);
  }
  /* What fits the lead slot takes no continuation. */
  const kg_threat least = {.source = {text, KG_SOURCE_BYTES},
                           .details = {text, KG_DETAILS_BYTES}};
  const kg_threat source = {.source = {text, KG_SOURCE_BYTES + 1}};
  const kg_threat details = {.details = {text, KG_DETAILS_BYTES + 1}};
  CHECK_EQUAL(kg__threat_span(&least, MOST_SLOTS), 1);
  CHECK_EQUAL(kg__threat_span(&source, MOST_SLOTS), 2);
  CHECK_EQUAL(kg__threat_span(&details, MOST_SLOTS), 2);
  /* Nor does it when something else needs one. */
  const kg_threat beside = {
      .source = {text, KG_SOURCE_BYTES},
      .details = {text, KG_DETAILS_BYTES},
      .id = {text, KG_EVENT_BYTES - KG_FIELD_HEADER_BYTES}};
  CHECK_EQUAL(kg__threat_span(&beside, MOST_SLOTS), 2);
  /* Together they are too long, though none of them is. */
  const kg_threat both = {.id = {text, 2 * KG_EVENT_BYTES},
                          .context = {text, KG_EVENT_BYTES - 15}};
  CHECK_EQUAL(kg__threat_span(&both, MOST_SLOTS), 0);
}

TEST(overflow, "F11 lengths of which no sum is a length are refused") {
  static const char text[1] = "x";
  const size_t lengths[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX - 15,
                            SIZE_MAX / 2 + 1};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    const kg_threat id = {.id = {text, lengths[i]}, .context = {text, 20}};
    const kg_threat both = {.id = {text, lengths[i]},
                            .context = {text, lengths[i]}};
    const kg_threat deflated = {.context = {text, 1},
                                .deflated = {text, lengths[i]}};
    CHECK_EQUAL(kg__threat_span(&id, MOST_SLOTS), 0);
    CHECK_EQUAL(kg__threat_span(&both, MOST_SLOTS), 0);
    CHECK_EQUAL(kg__threat_span(&deflated, MOST_SLOTS), 0);
  }
}

TEST(clean, "what a slot had before does not stand in it any more") {
  written a = {0};
  written b;
  memset(&b, 0xFF, sizeof b);
  encode(&a, 400);
  encode(&b, 400);
  CHECK_BYTES(b.slots, a.slots, a.slots[0].span * sizeof *a.slots);
}

TEST(all_slots, "every slot says of which event it is, and when that was") {
  memory_ring memory;
  kg__ring_writer writer;
  critical_every = 1;
  memory_ring_make(&memory, 16, true);
  CHECK_RESULT(kg__ring_writer_begin(&writer, &memory.ring, NULL), KG_OK, NULL);
  write_span(&writer, 3);
  for (uint16_t place = 0; place < 3; place++) {
    const kg_slot *slot = &memory.ring.slots[place];
    CHECK_EQUAL(slot->position, place);
    CHECK_EQUAL(slot->sequence, 1);
    CHECK_EQUAL(slot->publish_ns, batch_time.publish_ns);
    CHECK_EQUAL(slot->span, 3);
    CHECK_EQUAL(slot->place, place);
    CHECK_EQUAL(slot->flags, KG_EVENT_PRIORITY);
    CHECK_EQUAL(slot->tail_bytes, memory.ring.slots[0].tail_bytes);
  }
  kg__ring_writer_end(&writer);
  memory_ring_free(&memory);
}
