/* What a test in JavaScript holds C against. Texts come from stdin, each as its
 * length in decimal, a line's end and its bytes.
 *
 *   exchange write DIRECTORY   publishes threats of four texts each, deflated
 *                              where that helps: source, details, id, context
 *   exchange check             prints for each text, on a line, whether it is
 *                              UTF-8 and whether it is JSON, such as `1 0` */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../native/include/kg_ipc.h"

/* False: there is none left. Free its bytes. */
static bool read_text(kg_text *text) {
  size_t length;
  if (scanf("%zu", &length) != 1 || getchar() != '\n') {
    return false;
  }
  char *bytes = malloc(length + 1);
  if (bytes == NULL || fread(bytes, 1, length, stdin) != length) {
    exit(3);
  }
  *text = (kg_text){bytes, length};
  return true;
}

static void free_text(kg_text text) {
  free((void *)text.bytes);
}

static int check(void) {
  kg_text text;
  while (read_text(&text)) {
    printf("%d %d\n", kg_utf8_check(text.bytes, text.length, NULL) == KG_OK,
           kg_json_check(text.bytes, text.length, NULL) == KG_OK);
    free_text(text);
  }
  return 0;
}

/* With what zlib makes of it, where that helps. */
static int64_t publish(kg_writer *writer, kg_threat *threat) {
  int64_t room = kg_continuation_encode(threat, NULL, 0);
  char *deflated = malloc((size_t)room + 1);
  if (room < 0 || deflated == NULL) {
    exit(3);
  }
  int64_t length = kg_continuation_deflate(threat, deflated, (size_t)room);
  if (length > 0) {
    threat->deflated = (kg_text){deflated, (size_t)length};
  }
  int64_t sequence = kg_writer_write(writer, threat);
  free(deflated);
  return sequence;
}

static int write_all(const char *dir) {
  const kg_ring_options options = {.struct_size = sizeof options,
                                   .dir = dir,
                                   .max_events = 4096,
                                   .checks = KG_CHECK_UTF8 | KG_CHECK_JSON};
  kg_writer *writer;
  kg_failure failure;
  if (kg_writer_open(&options, &writer, &failure) != KG_OK) {
    fprintf(stderr, "%s\n", failure.detail);
    return 1;
  }
  kg_threat threat = {.timestamp_us = 1, .threat_type = 4, .severity = 3};
  int64_t sequence = 0;
  while (sequence >= 0 && read_text(&threat.source)) {
    if (!read_text(&threat.details) || !read_text(&threat.id) ||
        !read_text(&threat.context)) {
      exit(3);
    }
    threat.deflated.length = 0;
    sequence = publish(writer, &threat);
    free_text(threat.source);
    free_text(threat.details);
    free_text(threat.id);
    free_text(threat.context);
  }
  kg_writer_close(writer);
  if (sequence < 0) {
    fprintf(stderr, "%s\n", kg_error_code((int)sequence));
  }
  return sequence < 0 ? 1 : 0;
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "write") == 0) {
    return write_all(argv[2]);
  }
  return argc == 2 && strcmp(argv[1], "check") == 0 ? check() : 2;
}
