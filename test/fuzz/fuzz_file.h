/* Ring files for the targets that need real ones: made from rings that a
 * writer made, changed by the input, in a directory of this process. */
#ifndef FUZZ_FILE_H
#define FUZZ_FILE_H

#include "../../native/file/segment.h"
#include "fuzz.h"

/* The directory: $KG_FUZZ_DIR, which whoever starts this removes, or a new one
 * in memory. */
const char *fuzz_dir(void);

/* The path of `name` there, in static storage that the next call uses again. */
const char *fuzz_path(const char *name);

/* The names of the ring's files there. */
extern kg__names fuzz_names;

/* Makes the directory and the rings that files are made from. */
void fuzz_file_begin(void);

/* A ring file and a mapping of it, through which it is changed. */
typedef struct fuzz_file {
  int fd;
  uint64_t events;     /* that its writer wrote */
  uint64_t generation; /* that its writer gave it */
  kg__segment segment; /* base NULL: it is no ring any more */
  bool is_honest;      /* it is as its writer left it */
  bool is_cut;         /* its length was changed */
} fuzz_file;

/* Removes everything and puts a file there as the input says. */
void fuzz_file_make(fuzz_file *file, fuzz_input *in);

/* One change to its bytes, if it is a ring. */
void fuzz_file_change(fuzz_file *file, fuzz_input *in);

/* Gives the file a length near its own. */
void fuzz_file_cut(fuzz_file *file, fuzz_input *in);

void fuzz_file_end(fuzz_file *file);

/* Removes one of the ring's files, or gives it bytes that mean nothing. */
void fuzz_spoil_other(fuzz_input *in);

/* Removes all files there. */
void fuzz_clear(void);

/* The lowest descriptor that is free: what is not closed raises it. */
int fuzz_lowest_descriptor(void);

/* Checks what a failed call says of itself. */
void fuzz_check_failure(int result, const kg_failure *failure);

#endif
