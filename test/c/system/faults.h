/* Calls of the system that fail when they are told to, each at every place. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct system_fault {
  const char *name; /* of the call */
  int call;         /* the same as a number */
  int number;       /* the system's error with which it fails */
  int error;        /* enum kg_error: what that means */
} system_fault;

extern const system_fault system_faults[];
extern const size_t system_fault_count;

/* The first fault of a call of that name, by which to tell it. */
size_t system_fault_find(const char *name, int error);

/* From here on the call number `at` of them fails, and those up to `until`. */
void system_fault_begin(const system_fault *fault, uint32_t at, uint32_t until);

/* No more; whether it came to that. */
bool system_fault_end(void);

/* For those that may fail: with which error this one does, 0 for none. */
int system_fault_next(int call);

#endif
