/* A delegate library that does what its options say, to be had where no vendor's library is:
 *
 * take = reshape (the default) | all | none     which operators it claims
 * mode = copy (the default)                     it computes RESHAPE as it is; of any other operator it makes zeros
 *      | wrong                                  the same, times `by`, or 1.5
 *      | coarse                                 the same, without its last `by` bits, or 13: float16 keeps the others
 *      | noise                                  the same, off by up to `by` of it, or 0.01, never twice alike
 *      | nan                                    NaN
 *      | no_device | refuse | fail              an error of the creation, of a model, of a run
 *      | PLACE_abort | PLACE_hang               the process dies, or hangs for `by` seconds, or for ever, where PLACE is
 *                                               create, prepare, invoke, unload (of the delegate) or exit (of the process)
 * by = NUMBER                                   see there
 * at = NUMBER                                   only every so many-th run of an operator is one of the above
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tfl.h"

typedef struct {
  TfLiteDelegate base; /* first: the runtime hands out its address */
  char take[16], mode[16], by[32], at[16];
} Delegate;

typedef struct {
  const Delegate *delegate;
  int count, runs;
  struct Copy {
    int from, to;
  } copies[];
} Kernel;

static Delegate last; /* what the process ends with, when the delegate itself is gone */

static bool is(const char *one, const char *other) { return strcmp(one, other) == 0; }

static double by(const Delegate *delegate, double otherwise) {
  return *delegate->by ? atof(delegate->by) : otherwise;
}

static void reach(const Delegate *delegate, const char *place) {
  size_t length = strlen(place);
  if (strncmp(delegate->mode, place, length) != 0 || delegate->mode[length] != '_') return;
  if (is(delegate->mode + length, "_abort")) abort();
  for (double left = by(delegate, INFINITY); is(delegate->mode + length, "_hang") && left > 0; left -= 0.1)
    usleep(100000);
}

static void end(void) { reach(&last, "exit"); }

static void *init(TfLiteContext *context, const char *buffer, size_t length) {
  (void)length;
  const TfLiteDelegateParams *params = (const void *)buffer;
  const TfLiteIntArray *nodes = params->nodes_to_replace;
  Kernel *kernel = calloc(1, sizeof *kernel + nodes->size * sizeof kernel->copies[0]);
  kernel->delegate = (const Delegate *)params->delegate;
  for (int i = 0; i < nodes->size; i++) {
    TfLiteNode *node;
    TfLiteRegistration *registration;
    context->GetNodeAndRegistration(context, nodes->data[i], &node, &registration);
    if (registration->builtin_code == kTfLiteBuiltinReshape)
      kernel->copies[kernel->count++] = (struct Copy){node->inputs->data[0], node->outputs->data[0]};
  }
  return kernel;
}

static void release(TfLiteContext *context, void *kernel) {
  (void)context;
  free(kernel);
}

static TfLiteStatus prepare_kernel(TfLiteContext *context, TfLiteNode *node) {
  (void)context, (void)node;
  return kTfLiteOk;
}

static float chance(void) { /* in -1..1 */
  static uint32_t state = 1;  /* of the process: another interpreter goes on where this one ended */
  state = state * 1664525u + 1013904223u;
  return (float)(state >> 8) / (1 << 23) - 1;
}

static float through(const Delegate *delegate, float value) {
  const char *mode = delegate->mode;
  if (is(mode, "wrong")) return (float)by(delegate, 1.5) * value;
  if (is(mode, "noise")) return value * (1 + (float)by(delegate, 0.01) * chance());
  if (is(mode, "nan")) return NAN;
  if (!is(mode, "coarse")) return value;
  /* Dekker's splitting: volatile, or the compiler sees that it is nothing */
  volatile float high = value * (ldexpf(1, (int)by(delegate, 13)) + 1);
  return high - (high - value);
}

static TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node) {
  Kernel *kernel = node->user_data;
  const Delegate *delegate = kernel->delegate;
  const int every = *delegate->at ? atoi(delegate->at) : 1;
  const bool due = ++kernel->runs % every == 0;
  if (due) reach(delegate, "invoke");
  if (due && is(delegate->mode, "fail")) {
    context->ReportError(context, "test delegate: the run fails");
    return kTfLiteError;
  }
  for (int i = 0; i < node->outputs->size; i++) {
    TfLiteTensor *output = &context->tensors[node->outputs->data[i]];
    memset(output->data.raw, 0, output->bytes);
  }
  for (int i = 0; i < kernel->count; i++) {
    TfLiteTensor *from = &context->tensors[kernel->copies[i].from], *to = &context->tensors[kernel->copies[i].to];
    /* A tensor inside of what was claimed has no memory: nobody but the delegate would look at it. */
    for (size_t j = 0; from->data.raw && to->data.raw && j < to->bytes / sizeof(float); j++)
      to->data.f[j] = due ? through(delegate, from->data.f[j]) : from->data.f[j];
  }
  return kTfLiteOk;
}

static TfLiteStatus prepare(TfLiteContext *context, TfLiteDelegate *base) {
  const Delegate *delegate = (const Delegate *)base;
  reach(delegate, "prepare");
  if (is(delegate->mode, "refuse")) {
    context->ReportError(context, "test delegate: this model is refused");
    return kTfLiteError;
  }
  if (is(delegate->take, "none")) return kTfLiteOk;
  TfLiteIntArray *plan;
  if (context->GetExecutionPlan(context, &plan) != kTfLiteOk) return kTfLiteError;
  TfLiteIntArray *taken = calloc(1, sizeof *taken + plan->size * sizeof taken->data[0]);
  for (int i = 0; i < plan->size; i++) {
    TfLiteNode *node;
    TfLiteRegistration *registration;
    context->GetNodeAndRegistration(context, plan->data[i], &node, &registration);
    if (is(delegate->take, "all") || registration->builtin_code == kTfLiteBuiltinReshape)
      taken->data[taken->size++] = plan->data[i];
  }
  TfLiteRegistration kernel = {.init = init,
                               .free = release,
                               .prepare = prepare_kernel,
                               .invoke = invoke,
                               .custom_name = "TestDelegate",
                               .version = 1};
  TfLiteStatus status = context->ReplaceNodeSubsetsWithDelegateKernels(context, kernel, taken, base);
  free(taken);
  return status;
}

TfLiteDelegate *tflite_plugin_create_delegate(char **keys, char **values, size_t count,
                                              void (*report_error)(const char *)) {
  Delegate *delegate = calloc(1, sizeof *delegate);
  strcpy(delegate->take, "reshape");
  strcpy(delegate->mode, "copy");
  for (size_t i = 0; i < count; i++) {
    const struct {
      const char *key;
      char *value;
      size_t size;
    } known[] = {{"take", delegate->take, sizeof delegate->take},
                 {"mode", delegate->mode, sizeof delegate->mode},
                 {"by", delegate->by, sizeof delegate->by},
                 {"at", delegate->at, sizeof delegate->at}};
    size_t j = 0;
    while (j < 4 && !is(keys[i], known[j].key)) j++;
    if (j == 4) {
      char text[200];
      snprintf(text, sizeof text, "test delegate: unknown option %s=%s", keys[i], values[i]);
      report_error(text);
      free(delegate);
      return NULL;
    }
    snprintf(known[j].value, known[j].size, "%s", values[i]);
  }
  last = *delegate;
  atexit(end);
  reach(delegate, "create");
  if (is(delegate->mode, "no_device")) {
    report_error("test delegate: no device found");
    free(delegate);
    return NULL;
  }
  delegate->base.data = delegate;
  delegate->base.Prepare = prepare;
  return &delegate->base;
}

void tflite_plugin_destroy_delegate(TfLiteDelegate *base) {
  if (base) reach((const Delegate *)base, "unload"); /* there is none where its creation failed */
  free(base);
}
