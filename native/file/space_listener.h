/* What the addon and its event loop need of a writer, beyond kg_ipc.h. */
#ifndef KG_SPACE_LISTENER_H
#define KG_SPACE_LISTENER_H

#include "../include/kg_ipc.h"

/* A descriptor that becomes readable when readers made space for a writer that
 * had none, or -1 where only a timer can tell. The writer's close closes it. */
intptr_t kg__writer_open_listener(kg_writer *writer);

/* Empties that descriptor. */
void kg__writer_drain_listener(kg_writer *writer);

/* Whether the system was told how the ring's pages are wanted; only then is
 * kg_writer_memory worth its time. */
bool kg__writer_is_placed(const kg_writer *writer);

#endif
