/* The options of a program that was compiled with another version's header. */
#ifndef KG_FILE_OPTIONS_H
#define KG_FILE_OPTIONS_H

#include "../include/kg_ipc.h"

/* Copies what the program knows of the options into `options`; the rest is 0.
 * KG_E_INVALID_OPTION when `struct_size` is none, or when it sets options that
 * this version does not know. */
int kg__options_copy(const kg_ring_options *given, kg_ring_options *options,
                     kg_failure *failure);

#endif
