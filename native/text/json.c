/* Whether a text is JSON (RFC 8259): what JSON.parse takes, no more and no
 * less, but for what is deeper than KG_JSON_DEPTH. Nothing calls itself, so a
 * hostile text costs no stack. */
#include "../include/kg_ipc.h"

typedef struct {
  const unsigned char *bytes;
  size_t length;
  size_t at;
  uint32_t depth;
  /* A bit for each list or object that is open: whether it is an object. */
  uint8_t objects[KG_JSON_DEPTH / 8];
} scanner;

/* What is no byte. */
#define END (-1)

static int peek(const scanner *s) {
  return s->at < s->length ? s->bytes[s->at] : END;
}

static bool take(scanner *s, int byte) {
  if (peek(s) != byte) {
    return false;
  }
  s->at++;
  return true;
}

static void skip_space(scanner *s) {
  for (int c = peek(s); c == ' ' || c == '\t' || c == '\n' || c == '\r';
       c = peek(s)) {
    s->at++;
  }
}

static bool is_digit(int c) {
  return c >= '0' && c <= '9';
}

static bool is_hex(int c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool take_word(scanner *s, const char *word) {
  for (; *word != '\0'; word++) {
    if (!take(s, *word)) {
      return false;
    }
  }
  return true;
}

/* At least one. */
static bool take_digits(scanner *s) {
  if (!is_digit(peek(s))) {
    return false;
  }
  while (is_digit(peek(s))) {
    s->at++;
  }
  return true;
}

static bool take_number(scanner *s) {
  (void)take(s, '-');
  if (!take(s, '0') && !take_digits(s)) {
    return false;
  }
  if (take(s, '.') && !take_digits(s)) {
    return false;
  }
  if (take(s, 'e') || take(s, 'E')) {
    if (!take(s, '+')) {
      (void)take(s, '-');
    }
    return take_digits(s);
  }
  return true;
}

/* Behind a backslash. */
static bool take_escape(scanner *s) {
  int c = peek(s);
  if (c == 'u') {
    s->at++;
    for (int i = 0; i < 4; i++) {
      if (!is_hex(peek(s))) {
        return false;
      }
      s->at++;
    }
    return true;
  }
  bool is_known = c == '"' || c == '\\' || c == '/' || c == 'b' || c == 'f' ||
                  c == 'n' || c == 'r' || c == 't';
  s->at += is_known ? 1 : 0;
  return is_known;
}

static bool take_string(scanner *s) {
  if (!take(s, '"')) {
    return false;
  }
  for (;;) {
    int c = peek(s);
    if (c < ' ') {
      /* A control character, or the end. */
      return false;
    }
    s->at++;
    if (c == '"') {
      return true;
    }
    if (c == '\\' && !take_escape(s)) {
      return false;
    }
  }
}

static bool is_in_object(const scanner *s) {
  uint32_t i = s->depth - 1;
  return (s->objects[i / 8] >> i % 8 & 1) != 0;
}

static bool enter(scanner *s, bool is_object) {
  uint32_t i = s->depth;
  if (i == KG_JSON_DEPTH) {
    return false;
  }
  uint8_t bit = (uint8_t)(1U << i % 8);
  s->objects[i / 8] =
      (uint8_t)(is_object ? s->objects[i / 8] | bit : s->objects[i / 8] & ~bit);
  s->depth++;
  s->at++;
  skip_space(s);
  return true;
}

static bool take_key(scanner *s) {
  if (!take_string(s)) {
    return false;
  }
  skip_space(s);
  if (!take(s, ':')) {
    return false;
  }
  skip_space(s);
  return true;
}

/* Takes one value, or the beginning of a list or an object that is not empty:
 * `opened`, and what comes next is a value as well. */
static bool take_value(scanner *s, bool *opened) {
  *opened = false;
  switch (peek(s)) {
  case '[':
    if (!enter(s, false)) {
      return false;
    }
    *opened = !take(s, ']');
    s->depth -= *opened ? 0 : 1;
    return true;
  case '{':
    if (!enter(s, true)) {
      return false;
    }
    *opened = !take(s, '}');
    s->depth -= *opened ? 0 : 1;
    return !*opened || take_key(s);
  case '"':
    return take_string(s);
  case 't':
    return take_word(s, "true");
  case 'f':
    return take_word(s, "false");
  case 'n':
    return take_word(s, "null");
  default:
    return take_number(s);
  }
}

/* Behind a value: closes what ends here, until a value has to follow. False:
 * something else stands there. */
static bool take_ends(scanner *s) {
  for (;;) {
    skip_space(s);
    if (s->depth == 0) {
      return true;
    }
    bool is_object = is_in_object(s);
    if (take(s, ',')) {
      skip_space(s);
      return !is_object || take_key(s);
    }
    if (!take(s, is_object ? '}' : ']')) {
      return false;
    }
    s->depth--;
  }
}

static bool take_text(scanner *s) {
  bool opened;
  skip_space(s);
  do {
    if (!take_value(s, &opened) || (!opened && !take_ends(s))) {
      return false;
    }
  } while (s->depth > 0);
  return s->at == s->length;
}

int kg_json_check(const char *text, size_t length, size_t *wrong_at) {
  int result = kg_utf8_check(text, length, wrong_at);
  if (result != KG_OK) {
    return result;
  }
  scanner s = {.bytes = (const unsigned char *)text, .length = length};
  if (take_text(&s)) {
    return KG_OK;
  }
  if (wrong_at != NULL) {
    *wrong_at = s.at;
  }
  return KG_E_INVALID_THREAT;
}
