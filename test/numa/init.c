/* The first process of an emulated machine: mounts what the tests need, runs
 * each of them, says on the console which passed, and switches the machine
 * off. */
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void mount_at(const char *type, const char *path, const char *options) {
  mkdir(path, 0700);
  if (mount(type, path, type, 0, options) != 0) {
    perror(path);
  }
}

/* Runs that test of the program; 0 when it passed. */
static int run(const char *number) {
  pid_t child = fork();
  int status = -1;
  if (child == 0) {
    execl("/test", "/test", "--run", number, (char *)NULL);
    _exit(127);
  }
  waitpid(child, &status, 0);
  return status;
}

int main(void) {
  int passed = 0;
  int failed = 0;
  char title[512];
  mount_at("devtmpfs", "/dev", "mode=755");
  mount_at("proc", "/proc", "");
  mount_at("sysfs", "/sys", "");
  mount_at("tmpfs", "/dev/shm", "mode=1777");
  mount_at("tmpfs", "/small", "mode=700");
  mount_at("tmpfs", "/advise", "mode=700,huge=advise");
  mount_at("hugetlbfs", "/huge", "mode=700,pagesize=2M");
  FILE *list = fopen("/titles", "r");
  /* What the firmware has printed stays on a line of its own. */
  printf("\n");
  for (int i = 0; list != NULL && fgets(title, sizeof title, list); i++) {
    char number[16];
    snprintf(number, sizeof number, "%d", i);
    int status = run(number);
    *(status == 0 ? &passed : &failed) += 1;
    printf("%s %s", status == 0 ? "ok  " : "FAIL", title);
    fflush(stdout);
  }
  printf("%d passed, %d failed\n", passed, failed);
  fflush(stdout);
  sync();
  reboot(RB_POWER_OFF);
  return 1;
}
