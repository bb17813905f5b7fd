/* The table of errors: every number has its code, what happened and what to do
 * about it. */
#include <string.h>

#include "../../../native/base/error.h"
#include "../check.h"

static const struct {
  int number;
  const char *code;
} errors[] = {
#define X(name, number, what, advice) {KG_E_##name, "ERR_" #name},
    KG_ERROR_MAP(X)
#undef X
};
#define ERRORS (sizeof errors / sizeof *errors)

TEST(all, "each error has a code, a sentence and an advice of its own") {
  for (size_t i = 0; i < ERRORS; i++) {
    int number = errors[i].number;
    CHECK_EQUAL(number, -1 - (int)i);
    CHECK(strcmp(kg_error_code(number), errors[i].code) == 0);
    const char *texts[] = {kg_error_what(number), kg_error_advice(number)};
    for (int t = 0; t < 2; t++) {
      size_t length = strlen(texts[t]);
      CHECK(length > 10 && texts[t][length - 1] == '.');
    }
    CHECK(strcmp(texts[0], texts[1]) != 0);
    for (size_t other = 0; other < i; other++) {
      CHECK(strcmp(kg_error_what(errors[other].number), texts[0]) != 0);
    }
  }
  CHECK_CONTAINS(kg_error_what(KG_E_NO_RING), "no ring here");
  CHECK_CONTAINS(kg_error_advice(KG_E_RING_LOCKED), "Stop the other Shield");
  CHECK_CONTAINS(kg_error_advice(KG_E_BENCHMARK_FAILED), "nothing was");
}

/* Whether a word of it goes on with a capital, as names in JavaScript do. */
static bool has_name_of_javascript(const char *text) {
  for (; text[0] != '\0'; text++) {
    if (text[0] >= 'a' && text[0] <= 'z' && text[1] >= 'A' && text[1] <= 'Z') {
      return true;
    }
  }
  return false;
}

TEST(words, "what the core says is in the words of C") {
  CHECK(has_name_of_javascript("raise maxEvents"));
  for (int error = KG_E_NO_RING; error >= KG_E_SEQUENCE_EXHAUSTED; error--) {
    CHECK(!has_name_of_javascript(kg_error_what(error)));
    CHECK(!has_name_of_javascript(kg_error_advice(error)));
  }
  CHECK(!has_name_of_javascript(kg_error_advice(KG_E_RING_FULL)));
  CHECK_CONTAINS(kg_error_advice(KG_E_RING_FULL), "kg_writer_wait_for_space");
  CHECK(!has_name_of_javascript(kg_error_advice(KG_E_TOO_MANY_READERS)));
}

TEST(unknown, "a number that is no error's is ERR_UNKNOWN") {
  const int numbers[] = {KG_OK, 1, errors[ERRORS - 1].number - 1, -1000};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    CHECK(strcmp(kg_error_code(numbers[i]), "ERR_UNKNOWN") == 0);
    CHECK_CONTAINS(kg_error_what(numbers[i]), "unknown error");
    CHECK_CONTAINS(kg_error_advice(numbers[i]), "report");
  }
}

TEST(failures, "a failure has the number, errno and the sentence, cut to fit") {
  kg_failure failure;
  kg_failure other;
  char text[2 * sizeof failure.detail];
  CHECK_EQUAL(kg__fail(NULL, KG_E_SYSTEM, 5, "%d", 7), KG_E_SYSTEM);
  CHECK_EQUAL(kg__fail(&failure, KG_E_ACCESS, 13, "no %s", "way"), KG_E_ACCESS);
  CHECK_EQUAL(failure.error, KG_E_ACCESS);
  CHECK_EQUAL(failure.system_error, 13);
  CHECK(strcmp(failure.detail, "no way") == 0);
  CHECK_EQUAL(kg__fail_as(&other, &failure), KG_E_ACCESS);
  CHECK(memcmp(&other, &failure, sizeof other) == 0);
  CHECK_EQUAL(kg__fail_as(NULL, &failure), KG_E_ACCESS);
  memset(text, 'x', sizeof text);
  text[sizeof text - 1] = '\0';
  kg__fail(&failure, KG_E_SYSTEM, 0, "%s", text);
  CHECK_EQUAL(strlen(failure.detail), sizeof failure.detail - 1);
}
