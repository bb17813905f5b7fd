/* Deflating and inflating, by zlib where the library is built with it
 * (KG_WITH_ZLIB); elsewhere both say that it is not. */
#include "deflate.h"

#include "continuation.h"

#ifdef KG_WITH_ZLIB

/* Its input is not written to. */
#define ZLIB_CONST
#include <zlib.h>

/* Without a header and a trailer of zlib's. */
#define RAW (-MAX_WBITS)
/* zlib's own default. */
#define MEMORY_LEVEL 8

static_assert(KG_MAX_CONTINUATION_BYTES <= UINT32_MAX &&
                  sizeof(uInt) >= sizeof(uint32_t),
              "zlib is told of the whole continuation at once");

/* Why zlib could not even begin. */
static int refusal_of(int result) {
  return result == Z_MEM_ERROR ? KG_E_NO_MEMORY : KG_E_NO_ZLIB;
}

/* The slots behind the lead slot. */
static size_t slots_of(size_t bytes) {
  return (bytes + KG_EVENT_BYTES - 1) / KG_EVENT_BYTES;
}

static size_t least(size_t a, size_t b) {
  return a < b ? a : b;
}

/* Puts in a piece; false when there is no more room for what comes out. */
static bool put(z_stream *stream, const void *bytes, size_t length, int flush) {
  stream->next_in = bytes;
  stream->avail_in = (uInt)length;
  int result = deflate(stream, flush);
  return flush == Z_FINISH ? result == Z_STREAM_END
                           : result == Z_OK && stream->avail_in == 0;
}

static bool put_fields(z_stream *stream, const kg_threat *threat) {
  kg__field fields[KG__MOST_FIELDS];
  int count = kg__fields_list(threat, fields);
  for (int i = 0; i < count; i++) {
    const kg__field_header header = {.tag = fields[i].tag,
                                     .length = (uint32_t)fields[i].text.length};
    if (!put(stream, &header, sizeof header, Z_NO_FLUSH) ||
        !put(stream, fields[i].text.bytes, header.length, Z_NO_FLUSH)) {
      return false;
    }
  }
  return put(stream, NULL, 0, Z_FINISH);
}

static int64_t deflate_fields(const kg_threat *threat, size_t plain,
                              void *bytes, size_t room) {
  z_stream stream = {.next_out = bytes};
  /* In more than that it takes no slot less. */
  size_t most = (slots_of(plain) - 1) * KG_EVENT_BYTES;
  stream.avail_out = (uInt)least(room, most);
  int result = deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, RAW,
                            MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
  if (result != Z_OK) {
    return refusal_of(result);
  }
  bool is_whole = put_fields(&stream, threat);
  size_t length = stream.total_out;
  deflateEnd(&stream);
  return is_whole ? (int64_t)length : 0;
}

int64_t kg__inflate(const void *deflated, size_t length, void *bytes,
                    size_t room) {
  z_stream stream = {.next_in = deflated,
                     .avail_in = (uInt)least(length, UINT32_MAX),
                     .next_out = bytes,
                     .avail_out = (uInt)least(room, UINT32_MAX)};
  int result = inflateInit2(&stream, RAW);
  if (result != Z_OK) {
    return refusal_of(result);
  }
  result = inflate(&stream, Z_FINISH);
  size_t inflated = stream.total_out;
  bool is_full = stream.avail_out == 0;
  inflateEnd(&stream);
  return result == Z_STREAM_END             ? (int64_t)inflated
         : result == Z_MEM_ERROR            ? KG_E_NO_MEMORY
         : result == Z_BUF_ERROR && is_full ? KG_E_EVENT_TOO_LARGE
                                            : KG_E_RING_CORRUPT;
}

bool kg_has_zlib(void) {
  return true;
}

#else

static int64_t deflate_fields(const kg_threat *threat, size_t plain,
                              void *bytes, size_t room) {
  (void)threat;
  (void)plain;
  (void)bytes;
  (void)room;
  return KG_E_NO_ZLIB;
}

int64_t kg__inflate(const void *deflated, size_t length, void *bytes,
                    size_t room) {
  (void)deflated;
  (void)length;
  (void)bytes;
  (void)room;
  return KG_E_NO_ZLIB;
}

bool kg_has_zlib(void) {
  return false;
}

#endif

int64_t kg_continuation_deflate(const kg_threat *threat, void *bytes,
                                size_t room) {
  if (bytes == NULL) {
    return KG_E_INVALID_ARGUMENT;
  }
  int64_t plain = kg_continuation_encode(threat, NULL, 0);
  if (plain < 0) {
    return plain;
  }
  if (plain < KG_DEFLATE_FROM && kg_has_zlib()) {
    return 0;
  }
  return deflate_fields(threat, (size_t)plain, bytes, room);
}
