/* A Vulkan driver that does to whoever loads it what broken drivers do: TEST_DRIVER=abort, or for good nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void misbehave(void) {
  const char *how = getenv("TEST_DRIVER");
  fprintf(stderr, "test driver: %s\n", how);
  if (strcmp(how, "abort") == 0) abort();
  for (;;) pause();
}

/* The loader calls this one first; a driver without the other one is none. */
int vk_icdNegotiateLoaderICDInterfaceVersion(unsigned *version) {
  (void)version;
  misbehave();
  return 0;
}

void *vk_icdGetInstanceProcAddr(void *instance, const char *name) {
  (void)instance, (void)name;
  misbehave();
  return NULL;
}
