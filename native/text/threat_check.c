#include "threat_check.h"

#include "../base/error.h"

static int refuse(const char *field, const char *what, size_t at,
                  kg_failure *failure) {
  return kg__fail(failure, KG_E_INVALID_THREAT, 0, "%s is no %s, at byte %zu",
                  field, what, at);
}

int kg__threat_check(const kg_threat *threat, uint64_t checks,
                     kg_failure *failure) {
  const struct {
    const char *name;
    kg_text text;
  } fields[] = {{"source", threat->source},
                {"details", threat->details},
                {"id", threat->id},
                {"context", threat->context}};
  size_t at = 0;
  for (size_t i = 0;
       (checks & KG_CHECK_UTF8) != 0 && i < sizeof fields / sizeof *fields;
       i++) {
    kg_text text = fields[i].text;
    if (kg_utf8_check(text.bytes, text.length, &at) != KG_OK) {
      return refuse(fields[i].name, "UTF-8", at, failure);
    }
  }
  kg_text context = threat->context;
  if ((checks & KG_CHECK_JSON) != 0 && context.length > 0 &&
      kg_json_check(context.bytes, context.length, &at) != KG_OK) {
    return refuse("context", "JSON", at, failure);
  }
  return KG_OK;
}
