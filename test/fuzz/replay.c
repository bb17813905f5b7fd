/* Runs a target over the files that are named, or that stand in directories
 * that are named, for compilers that have no engine: coverage is measured so.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static size_t count;

static void run_file(const char *path) {
  static uint8_t bytes[1 << 20];
  FILE *file = fopen(path, "rb");
  if (file == NULL) {
    perror(path);
    exit(1);
  }
  LLVMFuzzerTestOneInput(bytes, fread(bytes, 1, sizeof bytes, file));
  fclose(file);
  count++;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    DIR *stream = opendir(argv[i]);
    if (stream == NULL) {
      run_file(argv[i]);
      continue;
    }
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
      if (entry->d_name[0] != '.') {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
        run_file(path);
      }
    }
    closedir(stream);
  }
  printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
