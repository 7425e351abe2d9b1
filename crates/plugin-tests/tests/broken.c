// A plugin that is broken in the way that a macro says; without one it works.

#define _POSIX_C_SOURCE 199309L

#include "kanrl_plugin.h"

#include <math.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static double now;
#ifdef SLOW_STEP
static atomic_int calls_now;
#endif

static const KanrlCoordinate OBSERVATION[] = {
#if defined BAD_NAME
    {sizeof(KanrlCoordinate), KANRL_TEXT("two words"), KANRL_TEXT(""), KANRL_TEXT("m"), 0.0, 1.0},
#elif defined BAD_BOUNDS
    {sizeof(KanrlCoordinate), KANRL_TEXT("x"), KANRL_TEXT(""), KANRL_TEXT("m"), 1.0, 0.0},
#elif defined BAD_UTF8
    {sizeof(KanrlCoordinate), KANRL_TEXT("x"), KANRL_TEXT(""), KANRL_TEXT("\xff"), 0.0, 1.0},
#elif defined SHORT_COORDINATE
    {8, KANRL_TEXT("x"), KANRL_TEXT(""), KANRL_TEXT("m"), 0.0, 1.0},
#else
    {sizeof(KanrlCoordinate), KANRL_TEXT("x"), KANRL_TEXT(""), KANRL_TEXT("m"), 0.0, 1.0},
#endif
};
static const KanrlText ACTIONS[] = {KANRL_TEXT("wait"), KANRL_TEXT("go")};
static const KanrlSpec SPEC = {
    .size = sizeof(KanrlSpec),
    .observation = OBSERVATION,
    .observation_count = 1,
    .observation_type = KANRL_FLOAT64,
    .discrete_actions = ACTIONS,
    .discrete_action_count = 2,
#ifdef TWO_ACTION_SPACES
    .action = OBSERVATION,
    .action_count = 1,
#endif
    .max_episode_steps = 20,
    .frames_per_second = 10,
};

static int32_t create(const void *data, KanrlText arguments, void **instance, KanrlError *error) {
  (void)data, (void)arguments, (void)error;
#ifdef SILENT_ERROR
  return 77;
#endif
#ifdef UNAVAILABLE
  return kanrl_fail(error, KANRL_UNAVAILABLE, "needs a license server");
#endif
  *instance = &now;
  return KANRL_OK;
}

static void destroy(void *instance) { (void)instance; }

static int32_t spec(void *instance, const KanrlSpec **spec, KanrlError *error) {
  (void)instance, (void)spec, (void)error;
#ifdef NULL_SPEC
  (void)SPEC;
#else
  *spec = &SPEC;
#endif
  return KANRL_OK;
}

static int32_t reset(void *instance, const uint64_t *seed, double *observation, KanrlError *error) {
  (void)instance, (void)seed, (void)error;
  *observation = now = 0.0;
  return KANRL_OK;
}

static int32_t step(void *instance, const KanrlActions *actions, double *observation, KanrlOutcome *outcome,
                    KanrlError *error) {
  (void)instance, (void)actions, (void)error;
#ifdef CRASH
  instance = 0;
#endif
#ifdef SLOW_STEP
  if (atomic_fetch_add(&calls_now, 1) != 0) {
    return kanrl_fail(error, KANRL_ERROR, "two calls at once");
  }
  nanosleep(&(struct timespec){.tv_nsec = 2000000}, 0);
  atomic_fetch_sub(&calls_now, 1);
#endif
  *observation = *(volatile double *)instance = now + 0.01;
  outcome->reward = 1.0;
  return KANRL_OK;
}

static int32_t step_chunk(void *instance, const KanrlActions *actions, double *observations, KanrlOutcome *outcomes,
                          size_t *done, KanrlError *error) {
  (void)instance, (void)error;
  memset(observations, 0, actions->rows * sizeof(double));
  memset(outcomes, 0, actions->rows * sizeof(KanrlOutcome));
  *done = actions->rows + 1;
  return KANRL_OK;
}

static int32_t render(void *instance, const KanrlFrame **frame, KanrlError *error) {
  static const KanrlFrame FRAME = {sizeof(KanrlFrame), 0, 10, 0};
  (void)instance, (void)error;
  *frame = &FRAME;
  return KANRL_OK;
}

#ifdef OLD_TABLE
// As a plugin of an earlier release of version 1 would have it: without the functions that were appended later.
typedef struct {
  size_t size;
  KanrlText id, summary, default_arguments, arguments_schema;
  const void *data;
  void *create, *destroy, *spec, *reset, *step;
} EnvironmentTable;
#else
typedef KanrlEnvironment EnvironmentTable;
#endif

static const EnvironmentTable ENVIRONMENTS[] = {
#ifdef DUPLICATE_ID
    {.size = sizeof(EnvironmentTable), .id = KANRL_TEXT("Broken-v0"), .create = create, .destroy = destroy,
     .spec = spec, .reset = reset, .step = step},
#endif
    {
#ifdef SHORT_ENVIRONMENT
        .size = 16,
#else
        .size = sizeof(EnvironmentTable),
#endif
        .id = KANRL_TEXT("Broken-v0"),
        .summary = KANRL_TEXT("a test"),
#ifdef BAD_JSON
        .default_arguments = KANRL_TEXT("[1, 2]"),
#else
        .default_arguments = KANRL_TEXT("{}"),
#endif
        .create = create,
        .destroy = destroy,
        .spec = spec,
        .reset = reset,
#ifndef NULL_STEP
        .step = step,
#endif
#ifdef BAD_CHUNK
        .step_chunk = step_chunk,
#endif
#ifdef BAD_FRAME
        .render = render,
#endif
    }};

static int32_t environments(const KanrlEnvironment **first, size_t *count, KanrlError *error) {
#ifdef FAILING_LIST
  return kanrl_fail(error, KANRL_ERROR, "the license has run out");
#endif
  (void)error;
  *first = (const KanrlEnvironment *)ENVIRONMENTS;
  *count = sizeof ENVIRONMENTS / sizeof *ENVIRONMENTS;
  return KANRL_OK;
}

#ifdef HANG_ON_LOAD
__attribute__((constructor)) static void hang(void) {
  for (;;) sleep(1);
}
#endif

#ifdef NO_SYMBOL
#define SYMBOL another_symbol
KANRL_EXPORT extern const KanrlPlugin SYMBOL;
#else
#define SYMBOL kanrl_plugin
#endif

KANRL_EXPORT const KanrlPlugin SYMBOL = {
#ifdef SHORT_TABLE
    .size = 24,
#else
    .size = sizeof(KanrlPlugin),
#endif
#ifdef WRONG_VERSION
    .abi_version = KANRL_ABI_VERSION + 1,
#else
    .abi_version = KANRL_ABI_VERSION,
#endif
#ifdef ONE_CALL
    .flags = KANRL_FLAG_ONE_CALL_AT_A_TIME,
#endif
    .name = KANRL_TEXT("broken"),
    .version = KANRL_TEXT("1"),
    .environments = environments,
};
