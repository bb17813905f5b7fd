/* The writer's side of reliable readers: who they are, by the locks they hold,
 * and how it hears that they made room. */
#ifndef KG_WRITER_SPACE_H
#define KG_WRITER_SPACE_H

#include "writer.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Sets up what the options say; nothing is open yet. */
void kg__writer_space_begin(kg_writer *writer, const kg_ring_options *options);

/* Opens what is missing and says in the header what is there. To be called
 * with each new ring and at each beat. */
void kg__writer_space_keep(kg_writer *writer);

/* Another ring is written from now on. Reliable readers that live are waited
 * for at the beginning of a `fresh` one: they have yet to come to it. */
void kg__writer_space_renew(kg_writer *writer, bool fresh);

void kg__writer_space_end(kg_writer *writer);

/* Whether `slots` more may be written now. */
bool kg__writer_has_space(kg_writer *writer, uint32_t slots);

/* A descriptor that can be read when readers made room for a writer that had
 * none, or -1 where a clock has to do. */
intptr_t kg__writer_open_listener(kg_writer *writer);

/* Takes back what it was told. */
void kg__writer_drain_listener(kg_writer *writer);

#ifdef __cplusplus
}
#endif

#endif
