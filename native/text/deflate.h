/* What a continuation that is deflated was before. */
#ifndef KG_TEXT_DEFLATE_H
#define KG_TEXT_DEFLATE_H

#include <stddef.h>
#include <stdint.h>

/* Inflates raw deflate (RFC 1951) into `bytes`; what stands behind its end is
 * passed over. Returns how many bytes it was. KG_E_EVENT_TOO_LARGE: more than
 * `room`, and no more than that was inflated. KG_E_RING_CORRUPT: it is none, or
 * has no end. KG_E_NO_MEMORY. KG_E_NO_ZLIB: this library was built without. */
int64_t kg__inflate(const void *deflated, size_t length, void *bytes,
                    size_t room);

#endif
