/* A delegate library that does what its options say, to be had where no vendor's library is:
 *
 * take = reshape (the default) | all | none     which operators it claims
 * mode = copy (the default)                     it computes RESHAPE as it is; of any other operator it makes zeros
 *      | coarse                                 the same, rounded to float16's 11 bits
 *      | wrong                                  the same, times 1.5
 *      | no_device | refuse | fail              an error of the creation, of a model, of a run
 *      | create_abort | prepare_abort | invoke_abort     the process dies there
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tfl.h"

typedef struct {
  TfLiteDelegate base; /* first: the runtime hands out its address */
  char take[16], mode[16];
} Delegate;

typedef struct {
  const Delegate *delegate;
  int count;
  struct Copy {
    int from, to;
  } copies[];
} Kernel;

static bool is(const char *one, const char *other) { return strcmp(one, other) == 0; }

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

static float through(const char *mode, float value) {
  if (is(mode, "wrong")) return 1.5f * value;
  if (!is(mode, "coarse")) return value;
  volatile float high = value * 8193.0f; /* Dekker's splitting: volatile, or the compiler sees that it is nothing */
  return high - (high - value);
}

static TfLiteStatus invoke(TfLiteContext *context, TfLiteNode *node) {
  const Kernel *kernel = node->user_data;
  const char *mode = kernel->delegate->mode;
  if (is(mode, "invoke_abort")) abort();
  if (is(mode, "fail")) {
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
      to->data.f[j] = through(mode, from->data.f[j]);
  }
  return kTfLiteOk;
}

static TfLiteStatus prepare(TfLiteContext *context, TfLiteDelegate *base) {
  const Delegate *delegate = (const Delegate *)base;
  if (is(delegate->mode, "prepare_abort")) abort();
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
    char *option = is(keys[i], "take") ? delegate->take : is(keys[i], "mode") ? delegate->mode : NULL;
    if (!option) {
      char text[200];
      snprintf(text, sizeof text, "test delegate: unknown option %s=%s", keys[i], values[i]);
      report_error(text);
      free(delegate);
      return NULL;
    }
    snprintf(option, sizeof delegate->mode, "%s", values[i]);
  }
  if (is(delegate->mode, "create_abort")) abort();
  if (is(delegate->mode, "no_device")) {
    report_error("test delegate: no device found");
    free(delegate);
    return NULL;
  }
  delegate->base.data = delegate;
  delegate->base.Prepare = prepare;
  return &delegate->base;
}

void tflite_plugin_destroy_delegate(TfLiteDelegate *base) { free(base); }
